"""Pools and hosts: what they promise and keep is changed, and what others made on a host becomes a VM."""

from __future__ import annotations

import sqlite3

import pytest
from playwright.sync_api import expect

from altus.sdk.client import AltusClient
from altus.wire.vms import VmCreate
from tests.e2e.axe import require_accessible
from tests.e2e.pages import Console
from tests.e2e.place import Place

pytestmark = pytest.mark.functional


def test_a_pool_is_made_takes_in_a_host_and_is_deleted_when_empty(console: Console) -> None:
    page = console.page
    console.go("/pools", "Pools")
    console.button("New pool").click()
    console.dialog.get_by_label("Name").fill("lab")
    console.dialog.get_by_label("vCPU ratio").fill("4")
    console.dialog.get_by_label("Take in hosts").click()
    page.locator(".ant-select-item-option:visible").filter(has_text="beta").click()
    console.dialog.get_by_label("Name").click()
    console.dialog.get_by_role("button", name="Create").click()
    row = console.row("lab")
    expect(row).to_contain_text("4 : 1")
    expect(row).to_contain_text("beta")
    refused = console.row("default").get_by_role("button", name="Delete")
    expect(refused).to_have_attribute("aria-description", "The default pool stays.")
    row.get_by_role("button", name="Delete").click()
    console.dialog.get_by_label("Type lab to confirm").fill("lab")
    console.dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(console.dialog.get_by_role("alert")).to_contain_text("Pool lab has hosts: beta.")
    console.dialog.get_by_role("button", name="Cancel").click()
    console.row("default").get_by_role("button", name="Edit").click()
    console.dialog.get_by_label("Take in hosts").click()
    page.locator(".ant-select-item-option:visible").filter(has_text="beta").click()
    console.dialog.get_by_label("Name").click()
    console.button("Save").click()
    expect(console.row("default")).to_contain_text("beta")
    row.get_by_role("button", name="Delete").click()
    console.dialog.get_by_label("Type lab to confirm").fill("lab")
    console.dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(row).to_have_count(0)


def test_a_hosts_tags_and_what_it_keeps_are_changed(console: Console, place: Place) -> None:
    async def find(altus: AltusClient) -> str:
        return (await altus.hosts.get("alpha")).id

    console.go(f"/hosts/{place.do(find)}", "alpha")
    console.button("Edit").click()
    console.dialog.get_by_label("Tags").fill("ssd ")
    console.dialog.get_by_label("Threads kept for itself").fill("1")
    console.button("Save").click()
    expect(console.page.get_by_text("ssd", exact=True)).to_be_visible()
    expect(console.page.get_by_text("1 vCPU, ")).to_be_visible()
    assert console.complaints == []


def test_a_domain_that_no_one_knows_is_adopted_as_it_is(console: Console, place: Place) -> None:
    async def make(altus: AltusClient) -> tuple[str, str]:
        await altus.vms.create(VmCreate.model_validate({"name": "stray", "image": "tiny", "linked": False})).run()
        vm = await altus.vms.get("stray")
        return vm.id, vm.host_id or ""

    vm, host = place.do(make)
    _forget(place, vm)
    console.go(f"/hosts/{host}?tab=unmanaged", "")
    domain = console.page.get_by_role("listitem").filter(has_text=vm)
    expect(domain).to_contain_text("made by Altus once")
    require_accessible(console.page)
    domain.get_by_role("button", name="Adopt").click()
    console.dialog.get_by_label("Name").fill("found-again")
    expect(console.dialog.get_by_text("Steps")).to_be_visible()
    console.dialog.get_by_role("button", name="Adopt").click()
    expect(domain).to_have_count(0)
    console.go(f"/vms/{vm}", "found-again")


def _forget(place: Place, vm: str) -> None:
    """As after a database of yesterday was brought back: the host has a VM that the manager does not know."""
    with sqlite3.connect(place.folder / "manager" / "altus.db", timeout=20) as database:
        database.execute("DELETE FROM volumes WHERE vm_id = ?", [vm])
        database.execute("DELETE FROM vms WHERE id = ?", [vm])
