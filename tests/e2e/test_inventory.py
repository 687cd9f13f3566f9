"""The tree of everything: walked with keys, acted on by menus, and a VM drawn onto another host."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from altus.sdk.client import AltusClient
from altus.wire.vms import VmCreate
from tests.e2e.axe import require_accessible
from tests.e2e.pages import Console
from tests.e2e.place import HOSTS, Place

pytestmark = pytest.mark.functional


async def _make(altus: AltusClient) -> str:
    """A VM that runs; its host's name."""
    await altus.vms.create(VmCreate.model_validate({"name": "leaf", "image": "tiny", "start": True})).run()
    vm = await altus.vms.get("leaf")
    return (await altus.hosts.get(vm.host_id or "")).name


@pytest.fixture(scope="module")
def home(place: Place) -> str:
    """The name of the host on which VM leaf runs."""
    made: str = place.do(_make)
    return made


def _item(console: Console, name: str) -> Locator:
    return console.page.get_by_role("treeitem", name=re.compile(rf"^{name}\b"))


def test_the_tree_is_walked_with_keys_and_its_menus_act(console: Console, home: str) -> None:
    page = console.page
    console.go("/inventory", "Inventory")
    tree = page.get_by_role("tree", name="Inventory")
    tree.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(_item(console, "default")).to_have_attribute("aria-expanded", "true")
    page.keyboard.type(home)
    expect(_item(console, home)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowRight")
    page.keyboard.type("leaf")
    leaf = _item(console, "leaf")
    expect(leaf).to_have_attribute("aria-selected", "true")
    expect(tree).to_have_attribute("aria-activedescendant", leaf.get_attribute("id") or "no id")
    expect(page.get_by_role("region", name="What is chosen").get_by_text("512 MiB")).to_be_visible()
    require_accessible(page)

    page.keyboard.press("Shift+F10")
    start = page.get_by_role("menuitem", name=re.compile("^Start"))
    expect(start).to_have_attribute("aria-disabled", "true")
    expect(start).to_contain_text("leaf is running")
    page.get_by_role("menuitem", name="Pause").click()
    expect(leaf.get_by_text("Paused")).to_be_attached()
    leaf.click(button="right")
    page.get_by_role("menuitem", name="Resume").click()
    expect(leaf.get_by_text("Running")).to_be_attached()

    tree.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="leaf")).to_be_visible()
    assert console.complaints == []


def test_a_vm_drawn_onto_a_host_is_to_migrate_there_or_it_is_said_why_not(console: Console, home: str) -> None:
    other = next(name for name in HOSTS if name != home)
    console.go("/inventory", "Inventory")
    for name in ("default", home):
        expect(_item(console, name)).to_have_attribute("aria-expanded", re.compile("true|false"))
        if _item(console, name).get_attribute("aria-expanded") == "false":
            _item(console, name).dblclick()
    _item(console, "leaf").drag_to(_item(console, other))
    expect(console.dialog.get_by_role("radio", name=re.compile(f"^{other}"))).to_be_checked()
    expect(console.dialog.get_by_text(re.compile("storage|disk")).first).to_be_visible()
    expect(console.dialog.get_by_role("button", name="Migrate", exact=True)).to_be_disabled()
