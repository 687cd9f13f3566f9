"""The tree of a VM's snapshots: taken, gone back to, deleted, and where the VM stands."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from altus.sdk.client import AltusClient
from altus.wire.vms import VmCreate
from tests.e2e.axe import require_accessible
from tests.e2e.pages import Console
from tests.e2e.place import Place

pytestmark = pytest.mark.functional


def test_snapshots_are_a_tree_in_which_the_vm_goes_back(console: Console, place: Place) -> None:
    async def make(altus: AltusClient) -> str:
        await altus.vms.create(VmCreate.model_validate({"name": "branchy", "image": "tiny"})).run()
        return (await altus.vms.get("branchy")).id

    vm = place.do(make)
    console.go(f"/vms/{vm}?tab=snapshots", "branchy")
    expect(console.page.get_by_text("There are no snapshots yet.")).to_be_visible()
    tree = console.page.get_by_role("list", name="Tree of snapshots")
    for name in ("base", "upgraded"):
        console.button("New snapshot").click()
        console.dialog.get_by_label("Name").fill(name)
        expect(console.dialog.get_by_text("Steps")).to_be_visible()
        console.button("Take the snapshot").click()
        expect(tree.get_by_role("listitem").filter(has_text=name).get_by_text("the VM stands on it")).to_be_visible()
    require_accessible(console.page)
    assert console.complaints == []
    console.button("New snapshot").click()
    console.dialog.get_by_label("Name").fill("base")
    expect(console.dialog.get_by_role("alert").first).to_contain_text("snapshot.name_taken")
    expect(console.button("Take the snapshot")).to_be_disabled()
    console.dialog.get_by_role("button", name="Cancel").click()
    base = tree.get_by_role("listitem").filter(has_text=re.compile("^base"))
    base.get_by_role("button", name="Go back").click()
    expect(console.dialog.get_by_text("What was written since base is lost.")).to_be_visible()
    console.dialog.get_by_role("button", name="Go back").click()
    expect(base.get_by_text("the VM stands on it")).to_be_visible()
    tree.get_by_role("listitem").filter(has_text="upgraded").get_by_role("button", name="Delete").click()
    console.dialog.get_by_label("Type upgraded to confirm").fill("upgraded")
    console.dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(tree.get_by_text("upgraded")).to_have_count(0)
    place.do(lambda altus: altus.vms.start(vm).run())
    refused = base.get_by_role("button", name="Delete")
    expect(refused).to_have_attribute("aria-disabled", "true")
    expect(refused).to_have_attribute("aria-description", re.compile("branchy|run"))
