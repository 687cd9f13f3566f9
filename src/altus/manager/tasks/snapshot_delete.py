"""`snapshot.delete`: a snapshot goes at once; what the others need of its layers is merged by `snapshot.merge`, disk by
disk. A layer on which several still stand stays until one is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from altus.common.errors import Conflict, Failed
from altus.common.ids import derived_id
from altus.manager.store.database import Tx
from altus.manager.store.resources import SNAPSHOT, VM, VOLUME
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.snapshot_parts import check_vm, drop_all, failed, former, note, require_agreement, the_snapshot
from altus.manager.tasks.submit import Origin, make
from altus.manager.tasks.vm_parts import the_vm
from altus.model.permission import Permission
from altus.model.snapshot import SnapshotState
from altus.model.task import Lock, Task, TaskState, exclusive, shared
from altus.wire.operations import LAYER_MERGE, VolumeRef


@dataclass(frozen=True, kw_only=True)
class SnapshotDelete:
    """Which snapshot of which VM; with a schedule, only if it is still that one's."""

    vm_id: str
    snapshot_id: str
    schedule_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class SnapshotMerge:
    """Which disk of which VM."""

    vm_id: str
    volume_id: str


def _locks(args: SnapshotDelete) -> Sequence[Lock]:
    return [exclusive("vm", args.vm_id), exclusive("snapshot", args.snapshot_id)]


async def _check(run: Run[SnapshotDelete]) -> None:
    snapshot = await run.db.read(lambda tx: the_snapshot(tx, run.args.vm_id, run.args.snapshot_id))
    if run.args.schedule_id not in (None, snapshot.schedule_id):
        raise Conflict(f"Somebody wants to keep snapshot {snapshot.name}.", code="snapshot.kept",
                       hint="It is no schedule's any more; delete it yourself if you want to.")  # fmt: skip
    await require_agreement(run, await check_vm(run, "delete a snapshot of"))


async def _mark(run: Run[SnapshotDelete]) -> None:
    """From here on there is no way back: those that stood on it stand on its parent."""

    def write(tx: Tx) -> None:
        gone = SNAPSHOT.get(tx, run.args.snapshot_id)
        for child in SNAPSHOT.of(tx, gone.vm_id):
            if child.parent_id == gone.id:
                SNAPSHOT.change(tx, child.id, parent_id=gone.parent_id)
        vm = VM.get(tx, gone.vm_id)
        if vm.snapshot_id == gone.id:
            VM.change(tx, vm.id, snapshot_id=gone.parent_id)
        SNAPSHOT.change(tx, gone.id, state=SnapshotState.DELETING)

    run.write(write)


async def _drop(run: Run[SnapshotDelete]) -> None:
    """And of those that a revert left."""
    vm = await the_vm(run, run.args.vm_id)
    for layer_id in (run.args.snapshot_id, former(vm.id)):
        await drop_all(run, vm, layer_id)


async def _merge_all(run: Run[SnapshotDelete]) -> None:
    """A task for each disk, at most four at once."""
    ended = await run.run_children(await _merges(run))
    if wrong := [task for task in ended if task.state is not TaskState.SUCCEEDED]:
        why = (wrong[0].error or {}).get("message") or "It was cancelled."
        raise Failed(f"The layers of disk {wrong[0].object_name} were not merged: {why}", code="snapshot.not_merged",
                     hint="Nothing is lost; delete the snapshot again.")  # fmt: skip
    await require_agreement(run, await the_vm(run, run.args.vm_id))


async def _merges(run: Run[SnapshotDelete]) -> list[Task]:
    origin = Origin(actor=run.task.actor, reason=run.task.reason, request_id=run.task.request_id)

    def look(tx: Tx) -> list[Task]:
        vm = VM.get(tx, run.args.vm_id)
        volumes = [VOLUME.get(tx, disk.volume_id) for disk in vm.hardware.disks]
        return [make(SNAPSHOT_MERGE, SnapshotMerge(vm_id=vm.id, volume_id=volume.id), object_id=volume.id,
                     object_name=volume.name, project_id=volume.project_id, origin=origin,
                     task_id=derived_id(run.task.id, volume.id))
                for volume in volumes]  # fmt: skip

    return await run.db.read(look)


async def _check_merge(run: Run[SnapshotMerge]) -> None:
    await check_vm(run, "delete a snapshot of")


async def _merge(run: Run[SnapshotMerge]) -> None:
    """Broken off, it is as if it had not begun to whoever reads the disk; repeated, it goes on."""
    vm = await the_vm(run, run.args.vm_id)
    asked = VolumeRef(storage_id=vm.storage_id, volume_id=run.args.volume_id)
    note(run, [await run.call(vm.host_id or "", LAYER_MERGE, asked)])


SNAPSHOT_DELETE = TaskType(
    "snapshot.delete",
    SnapshotDelete,
    title="Delete snapshot",
    permission=Permission.SNAPSHOT_WRITE,
    noun="snapshot",
    locks=_locks,
    check=_check,
    steps=(
        Step("mark", "Mark the snapshot as being deleted", _mark, commits=True),
        Step("drop", "Let go of its layers", _drop),
        Step("merge", "Merge layers that only one still needs", _merge_all),
    ),
    on_success=lambda run, tx: SNAPSHOT.delete(tx, run.args.snapshot_id),
    on_stuck=lambda run, tx: failed(tx, run.args.snapshot_id),
    cancellable=False,
)
SNAPSHOT_MERGE = TaskType(
    "snapshot.merge",
    SnapshotMerge,
    title="Merge layers of disk",
    permission=Permission.SNAPSHOT_WRITE,
    noun="volume",
    locks=lambda args: [shared("vm", args.vm_id), exclusive("volume", args.volume_id)],
    check=_check_merge,
    steps=(Step("merge", "Merge layers that only one still needs", _merge),),
)
