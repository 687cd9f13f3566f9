"""`snapshot.create`: keep what all disks of a VM hold at one instant, and how the VM is defined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from altus.common.errors import Conflict, LimitExceeded
from altus.manager.store.database import Tx
from altus.manager.store.resources import SNAPSHOT, VM
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.snapshot_parts import (
    DISKS,
    check_vm,
    failed,
    note_facts,
    require_agreement,
    thaw_all,
)
from altus.manager.tasks.vm_parts import definition, the_vm
from altus.model.permission import Permission
from altus.model.snapshot import MAX_SNAPSHOTS, Snapshot, SnapshotDisk, SnapshotState
from altus.model.task import Lock, exclusive
from altus.model.vm import VmState
from altus.wire.operations import LAYER_FREEZE_ALL, VM_DEFINE, VmDefine, VmFreeze


@dataclass(frozen=True, kw_only=True)
class SnapshotCreate:
    """The snapshot as it is stored meanwhile; `quiesce`: a running guest's agent has file systems written out
    before."""

    snapshot: Snapshot
    quiesce: bool = False

    @property
    def vm_id(self) -> str:
        """Of which VM."""
        return self.snapshot.vm_id


def _locks(args: SnapshotCreate) -> Sequence[Lock]:
    return [exclusive("vm", args.vm_id), exclusive("snapshot", args.snapshot.id)]


async def _check(run: Run[SnapshotCreate]) -> None:
    vm = await check_vm(run, "take a snapshot of")
    silent = vm.state is VmState.PAUSED or (vm.state is VmState.RUNNING and vm.guest is None)
    if run.args.quiesce and silent and run.engine is None:  # else the hypervisor finds out
        raise Conflict(f"No agent answers in the guest of VM {vm.name}.", code="snapshot.not_quiesced",
                       hint="Install the guest agent, or take the snapshot without it.")  # fmt: skip
    if not vm.hardware.disks:
        raise Conflict(f"VM {vm.name} has no disks.", code="snapshot.no_disks", hint="Attach one first.")

    def look(tx: Tx) -> None:
        others = [one for one in SNAPSHOT.of(tx, vm.id) if one.id != run.args.snapshot.id]
        if len(others) >= MAX_SNAPSHOTS:
            raise LimitExceeded(f"VM {vm.name} has {len(others)} snapshots already.", code="snapshot.too_many",
                                hint="Delete some first.")  # fmt: skip

    await run.db.read(look)
    await require_agreement(run, vm)


async def _freeze(run: Run[SnapshotCreate]) -> Any:
    """Whether the VM runs, its host knows best."""
    vm = await the_vm(run, run.args.vm_id)
    asked = VmFreeze(vm_id=vm.id, storage_id=vm.storage_id, layer_id=run.args.snapshot.id, quiesce=run.args.quiesce,
                     volume_ids=[disk.volume_id for disk in vm.hardware.disks])  # fmt: skip
    facts = note_facts(run, (await run.call(vm.host_id or "", LAYER_FREEZE_ALL, asked)).volumes)
    return DISKS.dump_python([SnapshotDisk(volume_id=one.id, size=one.size) for one in facts], mode="json")


async def _thaw(run: Run[SnapshotCreate]) -> None:
    """Whatever the guest has written since stays; then what it stands on is merged when a snapshot is deleted."""
    vm = await the_vm(run, run.args.vm_id)
    await thaw_all(run, vm, [disk.volume_id for disk in vm.hardware.disks], run.args.snapshot.id, vm.id)
    await _define(run)


async def _define(run: Run[SnapshotCreate]) -> None:
    """Of a VM that runs, or ran a moment ago, the hypervisor has noted what its disks stand on under names that mean
    something else now."""
    vm = await the_vm(run, run.args.vm_id)
    await run.call(vm.host_id or "", VM_DEFINE, VmDefine(vm=definition(vm)))


async def _store(run: Run[SnapshotCreate]) -> None:
    """It is the one on which the VM stands now."""
    await require_agreement(run, await the_vm(run, run.args.vm_id))
    disks = tuple(DISKS.validate_python(run.result_of("freeze")))

    def write(tx: Tx) -> None:
        vm = VM.get(tx, run.args.vm_id)
        SNAPSHOT.change(tx, run.args.snapshot.id, state=SnapshotState.READY, parent_id=vm.snapshot_id, disks=disks,
                        hardware=vm.hardware)  # fmt: skip
        VM.change(tx, vm.id, snapshot_id=run.args.snapshot.id)

    run.write(write)


SNAPSHOT_CREATE = TaskType(
    "snapshot.create",
    SnapshotCreate,
    title="Take snapshot",
    permission=Permission.SNAPSHOT_WRITE,
    noun="snapshot",
    locks=_locks,
    check=_check,
    steps=(
        Step("freeze", "Keep what the disks hold", _freeze, undo=_thaw),
        Step("define", "Define the VM anew", _define),
        Step("store", "Store the snapshot", _store),
    ),
    on_undone=lambda run, tx: SNAPSHOT.delete(tx, run.args.snapshot.id),
    on_stuck=lambda run, tx: failed(tx, run.args.snapshot.id),
)
