"""Devices of a running guest, which `vm.edit`, `vm.edit_disk` and `vm.edit_nic` change with the VM's definition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from altus.common.errors import Conflict
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_parts import definition
from altus.model.vm import Vm, VmDisk, VmState
from altus.wire.operations import VM_PLUG, VmPlug

OFF = (VmState.STOPPED, VmState.CRASHED)


async def plug(run: Run[Any], vm: Vm, device_ids: Iterable[str], *, held: Iterable[str] = (),
               asked: Iterable[str] = ()) -> list[str]:  # fmt: skip
    """Let its guest, if it runs, have of these devices what `vm` has. What it keeps although it was asked for it. See
    `drivers/hypervisor/base.py:Devices`."""
    ids = list(dict.fromkeys(device_ids))
    if not ids:
        return []
    request = VmPlug(vm=definition(vm), device_ids=ids, held=list(held), asked=list(asked))
    return (await run.call(vm.host_id or "", VM_PLUG, request)).kept


async def take_out(run: Run[Any], vm: Vm, device_ids: Iterable[str]) -> None:
    """`Conflict` (`device.not_released`) if the running guest does not let go of one of these, which `vm` has not."""
    if kept := await plug(run, vm, device_ids):
        raise Conflict(f"The guest of VM {vm.name} does not let go of {', '.join(kept)}.", code="device.not_released",
                       hint="Have its system up and the device unmounted, or stop the VM first.")  # fmt: skip


def require_awake(vm: Vm) -> None:
    """`Conflict` (`vm.suspended`): what a saved guest has is in its memory."""
    if vm.state is VmState.SUSPENDED:
        raise Conflict(f"VM {vm.name} is suspended: its saved memory only fits the hardware it has.",
                       code="vm.suspended", hint="Resume or kill it first.")  # fmt: skip


def require_hot(vm: Vm, removed: Iterable[VmDisk], added: Iterable[VmDisk]) -> None:
    """`Conflict` (`vm.paused`, `volume.in_use`, `disk.bus_not_pluggable`) unless the VM is off or its guest can get and
    give up devices now, among them these disks."""
    if vm.state in OFF:
        return
    if vm.state is not VmState.RUNNING:
        raise Conflict(f"VM {vm.name} is {vm.state}: its guest can neither take devices nor let go of them.",
                       code="vm.paused", hint="Resume it first, or stop it.")  # fmt: skip
    removed = tuple(removed)
    if removed and vm.hardware.disks[0] in removed:
        raise Conflict(f"VM {vm.name} is running from its first disk.", code="volume.in_use", hint="Stop it first.")
    for disk in (*removed, *added):
        if not disk.bus.hot:
            raise Conflict(f"Disk {disk.volume_id} is on the bus {disk.bus}, where disks come and go only while VM "
                           f"{vm.name} is off.", code="disk.bus_not_pluggable", hint="Stop it first.")  # fmt: skip
