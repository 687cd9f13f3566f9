"""Devices of running guests: what is refused, what is undone, and what waits for the next start."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest

from altus.common.errors import AltusError
from altus.drivers.hypervisor.fake import FakeHypervisor
from altus.manager.services.changes import Change
from altus.manager.store import ports
from altus.manager.store.resources import VM
from altus.model.task import TaskState
from altus.model.vm import NicModel, Vm
from altus.model.vm_action import VmAction
from altus.wire import vms as vm_shapes
from altus.wire.operations import VM_DEFINE, VM_PLUG
from tests.unit.manager.changes.floating_ips import new_floating_ip
from tests.unit.manager.changes.interference import Interference, Trouble
from tests.unit.manager.changes.routers import new_isolated
from tests.unit.manager.changes.site import ADMIN, Site


def _hypervisor(site: Site) -> FakeHypervisor:
    return site.agents.hosts[site.host_id].hypervisor


async def _refused(site: Site, draft: Coroutine[Any, Any, Change[Any]]) -> str:
    with pytest.raises(AltusError) as caught:
        await site.submit(draft)
    assert caught.value.hint
    return caught.value.code


def _edit(site: Site, vm: Vm, **fields: Any) -> Coroutine[Any, Any, Change[Any]]:
    return site.vms.edit(ADMIN, vm.id, vm_shapes.VmEdit.model_validate(fields))


async def test_a_guest_that_keeps_its_devices_has_the_task_undone(site: Site) -> None:
    async with site.running():
        vm, volume = await site.new_vm(start=True), await site.new_volume()
        _hypervisor(site).devices.stubborn.add(vm.id)
        before = await site.picture()
        task = await site.ended(await site.submit(_edit(
            site, vm, attach_volumes=[volume], detach_volumes=[vm.hardware.disks[1].volume_id])))  # fmt: skip
    assert (task.state, (task.error or {})["code"]) == (TaskState.FAILED, "device.not_released")
    assert await site.picture() == before
    await site.require_healthy()


async def test_what_a_guest_got_and_keeps_goes_at_its_next_start(site: Site) -> None:
    async with site.running():
        vm, other, volume = await site.new_vm(start=True), await site.new_vm(), await site.new_volume()
    _hypervisor(site).devices.stubborn.add(vm.id)
    task = await site.submit(_edit(site, vm, attach_volumes=[volume], name="wanted"))

    async def take_the_name() -> None:
        await site.db.write(lambda tx: VM.change(tx, other.id, name="wanted"))

    agents = Interference(site.agents, Trouble.MEDDLED, at=1, meddle=take_the_name)
    async with site.running(agents):
        ended = await site.ended(task)
    assert (ended.state, (ended.error or {})["code"]) == (TaskState.FAILED, "vm.name_taken")
    now = await site.vm(vm.id)
    assert agents.calls[:2] == [VM_DEFINE.name, VM_PLUG.name]
    assert (now.hardware, now.restart_pending) == (vm.hardware, True)
    await site.require_healthy()


async def test_devices_are_there_at_once_and_the_rest_waits_for_the_next_start(site: Site) -> None:
    async with site.running():
        vm, volume = await site.new_vm(start=True), await site.new_volume()
        await site.done(_edit(site, vm, attach_volumes=[volume], add_nics=[{"network": site.lan}]))
        assert not (await site.vm(vm.id)).restart_pending
        await site.done(_edit(site, vm, vcpus=2))
        assert (await site.vm(vm.id)).restart_pending
    await site.require_healthy()


async def test_a_plan_tells_what_waits_for_the_next_start(site: Site) -> None:
    async with site.running():
        vm, volume = await site.new_vm(start=True), await site.new_volume()
    plan = await site.changes().plan(ADMIN, await _edit(site, vm, vcpus=2, attach_volumes=[volume]))
    assert plan.details == {"while it runs": [f"disk {volume} is added"], "at its next start": ["vcpus"]}
    nic = vm_shapes.NicEdit(model=NicModel.E1000E)
    plan = await site.changes().plan(ADMIN, await site.vms.edit_nic(ADMIN, vm.id, vm.hardware.nics[0].id, nic))
    assert plan.details == {"while it runs": [], "at its next start": ["model"]}


async def test_what_cannot_come_or_go_while_it_runs_is_refused(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm(start=True, disks=[{"size": 1 << 21, "bus": "sata"}])
        boot, sata = (disk.volume_id for disk in vm.hardware.disks)
        assert await _refused(site, _edit(site, vm, detach_volumes=[boot])) == "volume.in_use"
        assert await _refused(site, _edit(site, vm, detach_volumes=[sata])) == "disk.bus_not_pluggable"
        await site.done(site.power.simple(ADMIN, vm.id, VmAction.PAUSE))
        assert await _refused(site, _edit(site, vm, add_nics=[{"network": site.lan}])) == "vm.paused"
        await site.done(site.power.simple(ADMIN, vm.id, VmAction.SUSPEND))
        assert await _refused(site, _edit(site, vm, add_nics=[{"network": site.lan}])) == "vm.suspended"


async def test_a_nic_that_moved_has_one_address_and_its_old_one_is_free(site: Site) -> None:
    async with site.running():
        vm, other = await site.new_vm(start=True), await new_isolated(site)
        (old,) = vm.hardware.nics
        await site.done(site.vms.edit_nic(ADMIN, vm.id, old.mac, vm_shapes.NicEdit(network=other)))
        (new,) = (await site.vm(vm.id)).hardware.nics
        assert (new.id, new.mac, new.network_id) == (old.id, old.mac, other)
        assert (await site.db.read(ports.all_ids))[old.id] == other
        taken = vm_shapes.NicCreate(network=site.lan, address=old.address)
        await site.done(site.vms.edit(ADMIN, vm.id, vm_shapes.VmEdit(add_nics=[taken])))
    await site.require_healthy()


async def test_a_nic_moves_neither_to_its_own_network_nor_away_from_what_leads_to_it(site: Site) -> None:
    async with site.running():
        vm, other = await site.new_vm(start=True), await new_isolated(site)
        (nic,) = vm.hardware.nics
        with pytest.raises(AltusError) as caught:
            await site.vms.edit_nic(ADMIN, vm.id, nic.id, vm_shapes.NicEdit(network=site.lan))
        assert caught.value.code == "nic.same_network"
        await new_floating_ip(site, vm)
        moved = site.vms.edit_nic(ADMIN, vm.id, nic.id, vm_shapes.NicEdit(network=other))
        assert await _refused(site, moved) == "nic.led_to"


async def test_limits_are_those_of_a_disk_of_the_vm(site: Site) -> None:
    async with site.running():
        vm, volume = await site.new_vm(), await site.new_volume()
        body = vm_shapes.DiskEdit.model_validate({"limits": {"total_iops": {"rate": 5}}})
        assert await _refused(site, site.vms.edit_disk(ADMIN, vm.id, volume, body)) == "vm.no_such_device"
