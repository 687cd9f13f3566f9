"""A real QEMU goes on on an overlay that has taken the name of the disk it has open, whatever befalls it then."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from altus.common.ids import new_id
from altus.common.units import MIB
from altus.drivers.hypervisor.base import VmAttachments
from altus.drivers.storage.directory.driver import DirectoryStorage
from altus.model.vm import VmDefinition, VmDisk, VmHardware
from tests.contract.hypervisor_rigs import LibvirtRig
from tests.contract.hypervisor_samples import attachments, definition

pytestmark = pytest.mark.functional
_DISKS = 2


@pytest.fixture
async def storage() -> AsyncIterator[DirectoryStorage]:
    folder = Path("/var/lib/altus/switch")
    yield await DirectoryStorage.open(folder, new_id(), create=True, reserve=0)
    shutil.rmtree(folder)


async def _running(rig: LibvirtRig, storage: DirectoryStorage) -> tuple[VmDefinition, VmAttachments]:
    """A VM with nothing to boot, which has its disks open."""
    volumes = [(await storage.create_volume(new_id(), 4 * MIB)).id for _ in range(_DISKS)]
    hardware = VmHardware(memory=64 * MIB, disks=tuple(VmDisk(volume_id=one) for one in volumes))
    vm = definition(hardware=hardware)
    found = replace(attachments(vm), disks=[storage.volume_source(one) for one in volumes])
    await rig.driver.define(vm, found)
    await rig.driver.start(vm.id)
    return vm, found


async def _frozen(rig: LibvirtRig, storage: DirectoryStorage, vm: VmDefinition, found: VmAttachments) -> str:
    """The layer of a snapshot that is taken while it runs."""
    layer = new_id()
    for disk in vm.hardware.disks:
        await storage.layers.freeze(disk.volume_id, layer, live=True)
        assert not await storage.layers.in_use(disk.volume_id)
    await rig.driver.disks.switch(vm.id, [source.path for source in found.disks])
    for disk in vm.hardware.disks:
        assert await storage.layers.in_use(disk.volume_id)
    await rig.driver.define(vm, found)
    return layer


def _whole(path: str) -> bool:
    return subprocess.run(["qemu-img", "check", "-q", path], check=False).returncode == 0


async def test_it_goes_on_through_snapshots_and_starts_from_what_it_wrote(
    rig: LibvirtRig, storage: DirectoryStorage
) -> None:
    vm, found = await _running(rig, storage)
    first = await _frozen(rig, storage, vm, found)
    second = await _frozen(rig, storage, vm, found)
    layers = {(one.volume_id, one.id): one.parent for one in await storage.layers.all()}
    assert layers == {(disk.volume_id, layer): parent for disk in vm.hardware.disks
                      for layer, parent in ((first, ""), (second, first))}  # fmt: skip
    await rig.driver.destroy(vm.id)
    assert all(_whole(source.path) for source in found.disks)
    await rig.driver.start(vm.id)
    await rig.driver.destroy(vm.id)
    for layer in (first, second):
        for disk in vm.hardware.disks:
            await storage.layers.drop(disk.volume_id, layer)
            await storage.layers.merge(disk.volume_id)
    await rig.driver.start(vm.id)


async def test_saved_and_restored_it_has_the_same_disks(rig: LibvirtRig, storage: DirectoryStorage) -> None:
    vm, found = await _running(rig, storage)
    await _frozen(rig, storage, vm, found)
    await rig.driver.suspend(vm.id)
    await rig.driver.start(vm.id)
    for disk in vm.hardware.disks:
        assert await storage.layers.in_use(disk.volume_id)


async def test_what_is_not_switched_yet_is_taken_back_under_the_running_guest(
    rig: LibvirtRig, storage: DirectoryStorage
) -> None:
    vm, found = await _running(rig, storage)
    layer = new_id()
    for disk in vm.hardware.disks:
        await storage.layers.freeze(disk.volume_id, layer, live=True)
        await storage.layers.thaw(disk.volume_id, layer, live=True)
        assert await storage.layers.in_use(disk.volume_id)
    assert await storage.layers.all() == []
    await _frozen(rig, storage, vm, found)


async def test_what_is_switched_is_not_taken_from_the_running_guest(rig: LibvirtRig, storage: DirectoryStorage) -> None:
    vm, found = await _running(rig, storage)
    layer = await _frozen(rig, storage, vm, found)
    for disk in vm.hardware.disks:
        await storage.layers.thaw(disk.volume_id, layer, live=True)
        assert await storage.layers.in_use(disk.volume_id)
    assert await storage.layers.all() == []
    await rig.driver.destroy(vm.id)
    for disk in vm.hardware.disks:
        await storage.layers.merge(disk.volume_id)
    assert list(Path(storage.volume_source(vm.hardware.disks[0].volume_id).path).parents[1].glob("layers/*")) == []
    await rig.driver.start(vm.id)
