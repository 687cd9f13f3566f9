"""Disks and NICs of a running VM: they come and go, and are limited, unplugged and moved."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from altus.sdk.client import AltusClient
from altus.wire.resources import NetworkCreate, VolumeCreate
from altus.wire.vms import VmCreate
from tests.e2e.axe import violations
from tests.e2e.pages import Console
from tests.e2e.place import Place

pytestmark = pytest.mark.functional


async def _make(altus: AltusClient) -> str:
    """A running VM, another network and a free volume; the VM's id."""
    await altus.networks.create(NetworkCreate(name="annex", cidr="10.47.0.0/24")).run()
    body = {"name": "devices", "image": "tiny", "nics": [{"network": "lan"}], "start": True}
    await altus.vms.create(VmCreate.model_validate(body)).run()
    vm = await altus.vms.get("devices")
    await altus.volumes.create(VolumeCreate(name="spare", size=1 << 30, storage=vm.storage_id)).run()
    return vm.id


@pytest.fixture(scope="module")
def vm(place: Place) -> str:
    """Its id."""
    made: str = place.do(_make)
    return made


def _part(console: Console, text: str) -> Locator:
    return console.page.get_by_role("tabpanel").get_by_role("listitem").filter(has_text=text)


def _agree(console: Console, button: str) -> None:
    """Do it, when the plan is there."""
    expect(console.dialog.get_by_text("Steps")).to_be_visible()
    console.dialog.get_by_role("button", name=button).click()
    expect(console.dialog).to_have_count(0)


def test_a_nic_is_limited_unplugged_and_moved_with_its_plan(console: Console, vm: str) -> None:
    console.go(f"/vms/{vm}?tab=nics", "devices")
    nic = _part(console, "10.20.")
    nic.get_by_role("button", name="Edit").click()
    limit = console.dialog.get_by_label("Limit of what the VM sends")
    limit.fill("fast")
    expect(console.dialog.get_by_text("A rate such as 500k, 50M, 2.5G.")).to_be_visible()
    limit.fill("10k")
    expect(console.dialog.get_by_role("alert").last).to_contain_text("a rate is 0 or at least 64 kbit/s")
    limit.fill("50M")
    _agree(console, "Save")
    expect(nic).to_contain_text("50 Mbit/s")
    assert not violations(console.page)

    nic.get_by_role("button", name="Plug out").click()
    _agree(console, "Plug out")
    expect(nic).to_contain_text("Plugged out")

    nic.get_by_role("button", name="Edit").click()
    console.choose("Network", "annex")
    console.dialog.get_by_label("Address").fill("10.47.0.77")
    _agree(console, "Save")
    expect(_part(console, "10.47.0.77").get_by_role("link", name="annex")).to_be_visible()


def test_a_nic_comes_and_goes(console: Console, vm: str) -> None:
    console.go(f"/vms/{vm}?tab=nics", "devices")
    console.button("Add a NIC").click()
    console.choose("Network", "lan")
    console.dialog.get_by_label("Address").fill("10.20.0.250")
    _agree(console, "Add a NIC")
    nic = _part(console, "10.20.0.250")
    nic.get_by_role("button", name="Remove").click()
    _agree(console, "Remove")
    expect(nic).to_have_count(0)
    assert console.complaints == []


def test_a_disk_comes_is_limited_and_goes(console: Console, vm: str) -> None:
    console.go(f"/vms/{vm}?tab=disks", "devices")
    console.button("Attach a volume").click()
    console.choose("Volume", "spare")
    _agree(console, "Attach a volume")
    disk = _part(console, "spare")

    disk.get_by_role("button", name="Limits").click()
    console.dialog.get_by_label("Bytes in all: Each second").fill("50M")
    expect(console.dialog.get_by_label("Bytes read: Each second")).to_be_disabled()
    console.dialog.get_by_label("Bytes in all: At most for a while").fill("10M")
    expect(console.dialog.get_by_role("alert")).to_contain_text("must not be lower than its rate")
    console.dialog.get_by_label("Bytes in all: At most for a while").fill("200M")
    console.dialog.get_by_label("Bytes in all: Seconds").fill("10")
    assert not violations(console.page)
    _agree(console, "Save")
    expect(disk).to_contain_text("50 MiB/s (200 MiB/s, 10 s)")

    disk.get_by_role("button", name="Detach").click()
    _agree(console, "Detach")
    expect(disk).to_have_count(0)
    boots = _part(console, "boots from it")
    boots.get_by_role("button", name="Detach").click()
    expect(console.dialog.get_by_role("alert")).to_be_visible()


def test_what_a_running_guest_cannot_take_up_waits_for_its_restart(console: Console, vm: str) -> None:
    page = console.page
    console.go(f"/vms/{vm}", "devices")
    console.button("Edit").click()
    save = console.button("Save")
    expect(save).to_be_disabled()
    console.dialog.get_by_label("Memory").fill("much")
    expect(console.dialog.get_by_text("A size such as 512 MiB or 4 GiB.")).to_be_visible()
    console.dialog.get_by_label("Memory").fill("640 MiB")
    console.dialog.get_by_label("CPU model").fill("no such model!")
    expect(console.dialog.get_by_text("must be the name of a CPU model, or auto").first).to_be_visible()
    expect(save).to_be_disabled()
    console.dialog.get_by_label("CPU model").fill("auto")
    _agree(console, "Save")
    expect(page.get_by_text("Its hardware was changed; the guest gets it at its next start.")).to_be_visible()
    expect(page.get_by_text("640 MiB")).to_be_visible()
