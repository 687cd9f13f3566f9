"""Five thousand VMs: the list is there soon, a keystroke narrows it, and only what is in sight exists."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e import place as places
from tests.e2e.pages import Console
from tests.e2e.place import Place

pytestmark = pytest.mark.functional

COUNT = 5000


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place with very many VMs."""
    with places.running(tmp_path_factory.mktemp("crowd"), vms=COUNT) as made:
        yield made


def test_five_thousand_vms_are_listed_filtered_and_sorted(browser: Browser, crowd: Place) -> None:
    context = browser.new_context(ignore_https_errors=True, base_url=crowd.url, locale="en-GB")
    console = Console(context.new_page(), crowd)
    console.sign_in("sysadmin")
    console.go("/vms", "Virtual machines")
    page = console.page
    expect(page.get_by_text("5000 of 5000")).to_be_visible()
    assert page.get_by_role("row").count() < 100
    page.get_by_label("Filter").fill("tag:prod power:running name:vm0001*")
    expect(page.get_by_text("3 of 5000")).to_be_visible()
    expect(console.row("vm00010")).to_be_visible()
    page.get_by_label("Filter").fill("")
    page.get_by_role("button", name="Name").click()
    expect(console.row("vm04999")).to_be_visible()
    page.get_by_role("table").evaluate("table => table.scrollTo(0, table.scrollHeight)")
    expect(console.row("vm00000")).to_be_visible()
    console.go("/inventory", "Inventory")
    page.get_by_role("treeitem", name="VMs on no host").dblclick()
    page.get_by_role("tree").focus()
    page.keyboard.type("vm04321")
    expect(page.get_by_role("treeitem", name="vm04321")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("treeitem", name="vm04321")).to_be_in_viewport()
    assert page.get_by_role("treeitem").count() < 100
    context.close()
