"""Every page in every skin, in both languages; networks, images, users; a manager that was away."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import require_accessible, violations
from tests.e2e.pages import Console
from tests.e2e.place import Place

pytestmark = pytest.mark.functional

PAGES = {
    "/": "Welcome", "/health": "Health", "/vms": "Virtual machines", "/vms/new": "New VM", "/hosts": "Hosts",
    "/pools": "Pools", "/networks": "Networks", "/volumes": "Storage", "/images": "Images", "/tasks": "Tasks",
    "/alarms": "Alarms", "/routers": "Routers", "/floating-ips": "Floating addresses", "/forwards": "Port forwards",
    "/security-groups": "Security groups", "/users": "Users", "/groups": "Groups", "/account": "My account",
    "/wall": "Big screen",
}  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible_in_every_skin(console: Console, path: str) -> None:
    console.go(path, PAGES[path])
    expect(console.page.get_by_text("Loading…")).to_have_count(0)
    require_accessible(console.page)
    assert console.complaints == []


def test_the_sign_in_is_accessible(stranger: Page) -> None:
    stranger.goto("/")
    expect(stranger.get_by_role("heading", name="Sign in to Altus")).to_be_visible()
    assert violations(stranger) == []


def test_every_page_speaks_chinese(console: Console) -> None:
    console.go("/", "Welcome")
    console.page.get_by_role("button", name="Language and look").click()
    console.page.get_by_text("中文").click()
    expect(console.page.get_by_role("heading", level=1)).to_contain_text("欢迎")
    expect(console.page.locator("html")).to_have_attribute("lang", "zh")
    console.page.goto("/vms")
    expect(console.page.get_by_role("heading", level=1)).to_have_text("虚拟机")


def test_a_skin_is_chosen_and_kept(console: Console) -> None:
    console.go("/", "Welcome")
    console.page.get_by_role("button", name="Language and look").click()
    console.page.get_by_role("radio", name="Jade").click()
    console.page.reload()
    expect(console.page.get_by_role("heading", level=1)).to_be_visible()
    assert console.page.evaluate("document.documentElement.style.getPropertyValue('--accent')") in (
        "#0a6b58",
        "#12806a",
    )


def test_a_network_is_made_and_deleted(console: Console) -> None:
    console.go("/networks", "Networks")
    console.button("New network").click()
    console.dialog.get_by_label("Name").fill("dmz")
    console.dialog.get_by_label("Addresses").fill("10.999.0.0/24")
    console.button("Create").click()
    expect(console.dialog.get_by_role("alert")).to_be_visible()
    console.dialog.get_by_label("Addresses").fill("10.44.0.0/24")
    console.button("Create").click()
    row = console.row("dmz")
    expect(row.get_by_text("Ready")).to_be_visible()
    row.get_by_role("button", name="Delete").click()
    console.dialog.get_by_label("Type dmz to confirm").fill("dmz")
    console.dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(row).to_have_count(0)


def test_an_image_is_uploaded(console: Console, place: Place, tmp_path: Path) -> None:
    file = tmp_path / "small.raw"
    file.write_bytes(b"\0" * (1 << 20))
    console.go("/images", "Images")
    console.button("Upload an image").click()
    console.dialog.get_by_label("File").set_input_files(file)
    expect(console.dialog.get_by_label("Name")).to_have_value("small")
    console.dialog.get_by_role("button", name="Upload an image").click()
    expect(console.row("small").get_by_text("Ready")).to_be_visible()
    place.do(lambda altus: altus.images.delete("small").run())
    expect(console.row("small")).to_have_count(0)


def test_a_user_is_made_and_given_a_role(open_as: Callable[..., Console]) -> None:
    system = open_as("sysadmin")
    system.go("/users", "Users")
    system.button("New user").click()
    system.dialog.get_by_label("Name", exact=True).fill("ada")
    system.dialog.get_by_role("button", name="Create").click()
    expect(system.dialog.get_by_text("This is shown once.")).to_be_visible()
    system.button("I have kept it").click()
    expect(system.row("ada")).to_be_visible()
    security = open_as("secadmin")
    security.go("/roles", "Roles")
    security.button("Give a role").click()
    for label, value in (("User or group", "ada"), ("Role", "operator")):
        security.dialog.get_by_label(label).click()
        security.page.get_by_title(value, exact=True).click()
    security.dialog.get_by_role("button", name="Give a role").click()
    given = security.page.get_by_role("listitem").filter(has_text="ada").filter(has_text="operator")
    expect(given).to_be_visible()


def test_a_manager_that_was_away_is_heard_again(console: Console, place: Place) -> None:
    console.go("/vms", "Virtual machines")
    place.restart_manager()
    expect(console.page.get_by_text("The connection to the manager is lost.")).to_have_count(0)
    console.page.get_by_role("link", name="Hosts").click()
    expect(console.row("alpha").get_by_text(re.compile("Up|Unreachable"))).to_be_visible()
    expect(console.row("alpha").get_by_text("Up", exact=True)).to_be_visible()
