"""`snapshot.revert`: the disks of a VM hold again what a snapshot kept, and the VM is defined as it was then.

What the disks held before is kept as a layer of its own until the end, so that everything before can be taken back.
That layer has the same id for every revert of a VM: one that could not be dropped is dropped by the next.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from altus.common.together import all_of
from altus.common.units import format_size
from altus.manager.store.database import Tx
from altus.manager.store.resources import VM
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.snapshot_parts import (
    check_vm,
    drop_all,
    former,
    note,
    require_agreement,
    require_ready,
    thaw_all,
    the_snapshot,
)
from altus.manager.tasks.vm_parts import definition, record, remember, remembered, the_vm
from altus.model.permission import Permission
from altus.model.snapshot import Snapshot, reverted
from altus.model.task import Lock, exclusive
from altus.model.vm import Vm, VmHardware, VmState
from altus.wire.operations import (
    LAYER_FREEZE,
    VM_DEFINE,
    VM_DESTROY,
    VM_START,
    VmDefine,
    VmRef,
    VolumeFreeze,
)

_RUNS = (VmState.RUNNING, VmState.PAUSED)


@dataclass(frozen=True, kw_only=True)
class SnapshotRevert:
    """Which snapshot of which VM."""

    vm_id: str
    snapshot_id: str


def _locks(args: SnapshotRevert) -> Sequence[Lock]:
    return [exclusive("vm", args.vm_id), exclusive("snapshot", args.snapshot_id)]


async def _snapshot(run: Run[SnapshotRevert]) -> Snapshot:
    return await run.db.read(lambda tx: the_snapshot(tx, run.args.vm_id, run.args.snapshot_id))


async def _check(run: Run[SnapshotRevert]) -> None:
    require_ready(await _snapshot(run))
    vm = await check_vm(run, "revert")
    await require_agreement(run, vm)


async def _plan(run: Run[SnapshotRevert]) -> dict[str, Any]:
    """What becomes of the guest and of its hardware."""
    vm, snapshot = await the_vm(run, run.args.vm_id), await _snapshot(run)
    after = reverted(vm.hardware, snapshot.hardware)
    changed = [f"{name.replace('_', ' ')} {_told(vm.hardware, name)} becomes {_told(after, name)}"
               for name in ("vcpus", "memory", "firmware", "boot", "cpu_model")
               if getattr(vm.hardware, name) != getattr(after, name)]  # fmt: skip
    known = {disk.volume_id for disk in snapshot.disks}
    kept = [disk.volume_id for disk in vm.hardware.disks if disk.volume_id not in known]
    told: dict[str, Any] = {"disks": f"What was written since {snapshot.name} is lost."}
    if changed:
        told["hardware"] = changed
    if kept:
        told["disks that stay as they are"] = kept
    if vm.state in _RUNS:
        told["guest"] = "Its power is cut; it starts again from the snapshot's disks."
    return told


def _told(hardware: VmHardware, name: str) -> str:
    value = getattr(hardware, name)
    return format_size(value) if name == "memory" else ", ".join(value) if name == "boot" else str(value)


async def _clear(run: Run[SnapshotRevert]) -> None:
    vm = await the_vm(run, run.args.vm_id)
    await drop_all(run, vm, former(vm.id))


async def _stop(run: Run[SnapshotRevert]) -> None:
    vm = await the_vm(run, run.args.vm_id)
    if vm.state is not VmState.STOPPED:
        record(run, vm, await run.call(vm.host_id or "", VM_DESTROY, VmRef(vm_id=vm.id)))


async def _start(run: Run[SnapshotRevert]) -> None:
    """If it ran before, it does so again; also the way back."""
    vm, before = await the_vm(run, run.args.vm_id), remembered(run)
    if before is not None and before.state in _RUNS:
        record(run, vm, await run.call(vm.host_id or "", VM_START, VmRef(vm_id=vm.id)), restart_pending=False)


async def _freeze(run: Run[SnapshotRevert]) -> None:
    vm, snapshot = await the_vm(run, run.args.vm_id), await _snapshot(run)
    asked = (
        VolumeFreeze(storage_id=vm.storage_id, volume_id=disk.volume_id, layer_id=former(vm.id), onto=snapshot.id)
        for disk in snapshot.disks
    )
    note(run, await all_of(*(run.call(vm.host_id or "", LAYER_FREEZE, one) for one in asked)))


async def _thaw(run: Run[SnapshotRevert]) -> None:
    vm, snapshot = await the_vm(run, run.args.vm_id), await _snapshot(run)
    await thaw_all(run, vm, [disk.volume_id for disk in snapshot.disks], former(vm.id))


async def _after(run: Run[SnapshotRevert], before: Vm) -> Vm:
    hardware = reverted(before.hardware, (await _snapshot(run)).hardware)
    return dataclasses.replace(before, hardware=hardware, revision=before.revision + 1)


async def _define(run: Run[SnapshotRevert]) -> None:
    if (before := remembered(run)) is not None:
        after = await _after(run, before)
        await run.call(after.host_id or "", VM_DEFINE, VmDefine(vm=definition(after)))


async def _define_as_before(run: Run[SnapshotRevert]) -> None:
    if (before := remembered(run)) is not None:
        await run.call(before.host_id or "", VM_DEFINE, VmDefine(vm=definition(before)))


async def _store(run: Run[SnapshotRevert]) -> None:
    """If the disks are what they should be there is no way back from here on."""
    if (before := remembered(run)) is None:
        return
    after = dataclasses.replace(await _after(run, before), snapshot_id=run.args.snapshot_id)
    await require_agreement(run, after)

    def write(tx: Tx) -> None:
        VM.change(tx, after.id, hardware=after.hardware, snapshot_id=after.snapshot_id)

    run.write(write)


SNAPSHOT_REVERT = TaskType(
    "snapshot.revert",
    SnapshotRevert,
    title="Revert to snapshot",
    permission=Permission.SNAPSHOT_WRITE,
    noun="snapshot",
    locks=_locks,
    check=_check,
    plan=_plan,
    steps=(
        Step("prepare", "Remember the VM as it is", remember),
        Step("stop", "Cut the VM's power if it runs", _stop, undo=_start),
        Step("clear", "Drop what an earlier revert left", _clear),
        Step("freeze", "Let the disks hold what the snapshot kept", _freeze, undo=_thaw),
        Step("define", "Define the VM as it was then", _define, undo=_define_as_before),
        Step("start", "Start the VM again if it ran", _start, undo=_stop),
        Step("store", "Store the change", _store, commits=True),
        Step("discard", "Drop what the disks held before", _clear),
    ),
)
