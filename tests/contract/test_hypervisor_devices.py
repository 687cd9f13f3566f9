"""Every hypervisor changes the devices of guests that run on; for NICs see tests/functional/test_vm_devices.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from altus.common.errors import LimitExceeded, NotFound
from altus.common.ids import new_id
from altus.common.units import MIB
from altus.drivers.hypervisor.base import Hypervisor, VmAttachments
from altus.model.disk_limits import DiskLimits, DiskRate
from altus.model.domain import DomainDevices, DomainFacts, live_differences
from altus.model.vm import DiskBus, VmDefinition, VmDisk, VmHardware
from tests.contract.hypervisor_rigs import PATIENCE, Rig, until
from tests.contract.hypervisor_samples import attachments, defined, definition, disks, revised

_SLOW = DiskLimits(total_iops=DiskRate(rate=50, burst=100, seconds=5), write_bytes=DiskRate(rate=MIB))
_SLOWER = DiskLimits(total_bytes=DiskRate(rate=2 * MIB))


async def _facts(driver: Hypervisor, vm: VmDefinition) -> DomainFacts:
    return next(domain for domain in await driver.domains() if domain.id == vm.id)


async def _live(driver: Hypervisor, vm: VmDefinition) -> DomainDevices:
    found = (await _facts(driver, vm)).live
    assert found is not None
    return found


async def _found(rig: Rig, vm: VmDefinition) -> VmAttachments:
    return replace(attachments(vm), disks=[await rig.disk(disk.volume_id) for disk in vm.hardware.disks])


def _with(vm: VmDefinition, *wanted: VmDisk) -> VmDefinition:
    return revised(vm, replace(vm.hardware, disks=wanted))


async def _changed(rig: Rig, vm: VmDefinition, *wanted: VmDisk) -> VmDefinition:
    """The VM with these disks, defined and plugged in: twice, which changes nothing."""
    newer = _with(vm, *wanted)
    found = await _found(rig, newer)
    await rig.driver.define(newer, found)
    ids = {disk.volume_id for disk in (*vm.hardware.disks, *wanted)}
    for _ in range(2):
        assert await rig.driver.devices.plug(newer, found, ids) == []
        assert live_differences(await _facts(rig.driver, newer)) == []
        assert len((await _live(rig.driver, newer)).disks) == len(wanted)
    return newer


async def _idle(rig: Rig, *wanted: VmDisk) -> VmDefinition:
    """A running VM with nothing to boot."""
    vm = definition(hardware=VmHardware(memory=64 * MIB, disks=wanted))
    await rig.driver.define(vm, await _found(rig, vm))
    await rig.driver.start(vm.id)
    return vm


async def test_a_running_guest_gets_disks_and_lets_go_of_them(rig: Rig) -> None:
    first, second, third = disks(3)
    fourth = VmDisk(volume_id=new_id(), bus=DiskBus.SCSI)
    vm = definition(hardware=VmHardware(memory=128 * MIB, disks=(first, fourth)))
    found = replace(await rig.bootable(vm), disks=(await _found(rig, vm)).disks)
    await rig.driver.define(vm, found)
    await rig.driver.start(vm.id)

    async def up() -> bool:
        return await rig.driver.guest(vm.id) is not None

    await until(up, "the guest is up", PATIENCE)
    vm = await _changed(rig, vm, first, fourth, second, third)
    vm = await _changed(rig, vm, first, third)
    vm = await _changed(rig, vm, first, third, second)
    paths = {disk.path for disk in (await _live(rig.driver, vm)).disks}
    assert paths == {source.path for source in (await _found(rig, vm)).disks}


async def test_limits_of_a_running_guests_disk_change_at_once(rig: Rig) -> None:
    (first,) = disks(1)
    vm = await _idle(rig, first)
    for limits in (_SLOW, _SLOWER, DiskLimits()):
        vm = await _changed(rig, vm, replace(first, limits=limits))
        assert [disk.limits for disk in (await _live(rig.driver, vm)).disks] == [limits]


async def test_a_disk_comes_with_its_limits(rig: Rig) -> None:
    first, second = disks(2)
    vm = await _changed(rig, await _idle(rig, first), first, replace(second, limits=_SLOW))
    assert [disk.limits for disk in (await _live(rig.driver, vm)).disks] == [DiskLimits(), _SLOW]


async def test_what_is_not_named_stays_as_it_is(rig: Rig) -> None:
    first, second, third = disks(3)
    vm = await _idle(rig, first, second)
    newer = _with(vm, first, third)
    await rig.driver.devices.plug(newer, await _found(rig, newer), [])
    assert len((await _live(rig.driver, vm)).disks) == 2


async def test_a_guest_that_keeps_a_device_is_told_and_has_it_still(rig: Rig) -> None:
    first, second = disks(2)
    vm = await _idle(rig, first, second)
    await rig.let_keep(vm.id)
    less = _with(vm, first)
    kept = await rig.driver.devices.plug(less, await _found(rig, less), [second.volume_id])
    assert kept == [second.volume_id]
    await rig.driver.devices.plug(vm, await _found(rig, vm), [second.volume_id], asked=[second.volume_id])
    assert live_differences(await _facts(rig.driver, vm)) == []


async def test_without_a_free_slot_nothing_is_plugged_in(rig: Rig) -> None:
    first, *others = disks(6)
    vm = await _idle(rig, first)
    more = _with(vm, first, *others)
    with pytest.raises(LimitExceeded) as caught:
        await rig.driver.devices.plug(more, await _found(rig, more), {disk.volume_id for disk in others})
    assert caught.value.code == "device.no_slot"
    assert len((await _live(rig.driver, vm)).disks) == 1


async def test_of_a_vm_that_is_off_there_is_nothing_to_change(rig: Rig) -> None:
    first, second = disks(2)
    vm = await defined(rig.driver, definition(hardware=VmHardware(disks=(first,))))
    more = _with(vm, first, second)
    await rig.driver.devices.plug(more, await _found(rig, more), [second.volume_id])
    facts = await _facts(rig.driver, vm)
    assert (len(facts.disks), facts.live) == (1, None)


async def test_a_vm_that_is_not_there_has_no_devices(rig: Rig) -> None:
    vm = definition()
    with pytest.raises(NotFound):
        await rig.driver.devices.plug(vm, attachments(vm), [new_id()])
