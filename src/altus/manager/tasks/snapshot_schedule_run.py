"""`snapshot_schedule.run`: a snapshot of each VM that a schedule covers, then those go that are not to be kept.

Each snapshot and each deletion is a child of its own, so that one which fails keeps none of the others. When all have
been taken the run goes on to its end; if it is cancelled before, those that were taken stay: each is whole by itself.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from altus.common.errors import Cancelled, Failed
from altus.common.ids import derived_id
from altus.manager.store import tasks as task_rows
from altus.manager.store.database import Tx
from altus.manager.store.resources import SNAPSHOT, SNAPSHOT_SCHEDULE, VM
from altus.manager.store.snapshot_schedules import (
    SKIPPED,
    Leaving,
    covered,
    forget_alarms,
    leaving,
    note_run,
    preview,
    reserve_snapshot,
    sentence,
)
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.snapshot_create import SNAPSHOT_CREATE, SnapshotCreate
from altus.manager.tasks.snapshot_delete import SNAPSHOT_DELETE, SnapshotDelete
from altus.manager.tasks.snapshot_schedule_tasks import check_there, lock
from altus.manager.tasks.submit import Origin, make
from altus.model.permission import Permission
from altus.model.resource import utc_now
from altus.model.snapshot import Snapshot
from altus.model.snapshot_schedule import (
    ScheduleRun,
    SnapshotSchedule,
    VmResult,
    snapshot_id_of,
    snapshot_name,
)
from altus.model.task import Task, TaskState
from altus.model.vm import Vm

_AT_ONCE = 4
_GONE = ("vm.not_found", "snapshot.not_found", "snapshot.kept")
"""Somebody has deleted it in between, or wants to keep it: that is no fault."""


@dataclass(frozen=True, kw_only=True)
class SnapshotScheduleRun:
    """For which time; what it takes is named by schedule, time and VM, so that nothing is taken twice for one time."""

    schedule_id: str
    due_at: datetime


async def _plan(run: Run[SnapshotScheduleRun]) -> dict[str, Any]:
    return await run.db.read(lambda tx: preview(tx, SNAPSHOT_SCHEDULE.get(tx, run.args.schedule_id), utc_now()))


async def _choose(run: Run[SnapshotScheduleRun]) -> dict[str, str]:
    """Names of VMs by their ids."""
    found = await run.db.read(lambda tx: covered(tx, SNAPSHOT_SCHEDULE.get(tx, run.args.schedule_id)))
    return {vm.id: vm.name for vm in found}


async def _take(run: Run[SnapshotScheduleRun]) -> dict[str, Any]:
    """Of each VM the snapshot's name, or why there is none. VMs that have gone meanwhile are left out."""
    wanted = await run.db.read(lambda tx: _wanted(tx, run))
    children = [child for child, _ in wanted.values() if child is not None]
    snapshots = {snapshot.id: snapshot for _, snapshot in wanted.values()}
    ended = await run.run_children(children, _AT_ONCE,
                                   lambda tx, child: reserve_snapshot(tx, snapshots[child.object_id]))  # fmt: skip
    if run.cancelling:  # children were ended, too: that is no fault of theirs
        raise Cancelled("The task was cancelled.", code="task.cancelled")
    why = {task.object_id: _why(task) for task in ended}
    gone = {task.object_id for task in ended if (task.error or {}).get("code") in _GONE}

    def look(tx: Tx) -> dict[str, Any]:
        told = {}
        for vm_id, (_, snapshot) in wanted.items():
            there, error = SNAPSHOT.peek(tx, snapshot.id), why.get(snapshot.id, "")
            if snapshot.id not in gone:
                told[vm_id] = {"snapshot": there.name if there is not None and not error else "", "error": error}
        return told

    return await run.db.read(look)


def _wanted(tx: Tx, run: Run[SnapshotScheduleRun]) -> dict[str, tuple[Task | None, Snapshot]]:
    """What is to be taken of each VM, and the task that does it; none where an earlier run for this time did it."""
    schedule = SNAPSHOT_SCHEDULE.get(tx, run.args.schedule_id)
    own = {child.id for child in task_rows.children(tx, run.task.id)}
    found: dict[str, tuple[Task | None, Snapshot]] = {}
    for vm_id in run.result_of("choose"):
        vm = VM.peek(tx, vm_id)
        if vm is None:
            continue
        snapshot = _snapshot(schedule, vm, run.args.due_at)
        child = make(SNAPSHOT_CREATE, SnapshotCreate(snapshot=snapshot, quiesce=schedule.quiesce),
                     object_id=snapshot.id, object_name=snapshot.name, project_id=vm.project_id, origin=_origin(run),
                     task_id=derived_id(run.task.id, snapshot.id))  # fmt: skip
        known = child.id in own or SNAPSHOT.peek(tx, snapshot.id) is None
        found[vm_id] = (child if known else None, snapshot)
    return found


def _snapshot(schedule: SnapshotSchedule, vm: Vm, due_at: datetime) -> Snapshot:
    return Snapshot(id=snapshot_id_of(schedule.id, due_at, vm.id), name=snapshot_name(schedule, due_at),
                    project_id=vm.project_id, label=vm.label, vm_id=vm.id, hardware=vm.hardware,
                    description=f"Taken by schedule {schedule.name}.", schedule_id=schedule.id,
                    due_at=due_at)  # fmt: skip


async def _prune(run: Run[SnapshotScheduleRun]) -> dict[str, Any]:
    """Delete what is not to be kept where that is possible now; what waits until its VM is off is told."""
    there, found = await run.db.read(lambda tx: _expired(tx, run))
    known = {child.object_id for child in there}
    new = [_deletion(run, one.vm, snapshot) for one in found if not one.why for snapshot in one.snapshots
           if snapshot.id not in known]  # fmt: skip
    told: defaultdict[str, dict[str, Any]] = defaultdict(_nothing_told)
    for one in found:
        if one.why:
            told[one.vm.id] |= {"waiting": [gone.name for gone in one.snapshots], "why": one.why}
    for task in await run.run_children([*there, *new], _AT_ONCE):
        _tell(told[task.arguments["vm_id"]], task)
    return dict(told)


def _nothing_told() -> dict[str, Any]:
    return {"deleted": [], "waiting": [], "why": "", "errors": []}


def _tell(told: dict[str, Any], task: Task) -> None:
    error = task.error or {}
    if task.state is TaskState.SUCCEEDED:
        told["deleted"].append(task.object_name)
    elif error.get("code") == "vm.state":  # it was started in between
        told["waiting"].append(task.object_name)
        told["why"] = error.get("message", "")
    elif error.get("code") not in _GONE:
        told["errors"].append(f"Snapshot {task.object_name} is not deleted: {_why(task)}")


def _expired(tx: Tx, run: Run[SnapshotScheduleRun]) -> tuple[list[Task], list[Leaving]]:
    children = [child for child in task_rows.children(tx, run.task.id) if child.kind == SNAPSHOT_DELETE.kind]
    return children, leaving(tx, SNAPSHOT_SCHEDULE.get(tx, run.args.schedule_id), utc_now())


def _deletion(run: Run[SnapshotScheduleRun], vm: Vm, snapshot: Snapshot) -> Task:
    arguments = SnapshotDelete(vm_id=vm.id, snapshot_id=snapshot.id, schedule_id=run.args.schedule_id)
    return make(SNAPSHOT_DELETE, arguments, object_id=snapshot.id, object_name=snapshot.name, project_id=vm.project_id,
                origin=_origin(run), task_id=derived_id(run.task.id, "delete", snapshot.id))  # fmt: skip


def _why(task: Task) -> str:
    if task.state is TaskState.SUCCEEDED:
        return ""
    return str((task.error or {}).get("message") or "It was cancelled.")


def _origin(run: Run[SnapshotScheduleRun]) -> Origin:
    return Origin(actor=run.task.actor, reason=run.task.reason, request_id=run.task.request_id)


async def _store(run: Run[SnapshotScheduleRun]) -> None:
    told = await run.db.read(lambda tx: _told(tx, run))
    run.write(lambda tx: note_run(tx, run.args.schedule_id, told))


def _told(tx: Tx, run: Run[SnapshotScheduleRun]) -> ScheduleRun:
    names, taken, pruned = (run.result_of(step) for step in ("choose", "take", "prune"))
    results = []
    for vm_id in [*taken, *(other for other in pruned if other not in taken)]:
        vm, new, old = VM.peek(tx, vm_id), taken.get(vm_id, {}), pruned.get(vm_id, {})
        errors = [*([new["error"]] if new.get("error") else []), *old.get("errors", [])]
        results.append(VmResult(vm_id=vm_id, vm_name=vm.name if vm is not None else names.get(vm_id, vm_id),
                                snapshot=new.get("snapshot", ""), deleted=tuple(old.get("deleted", [])),
                                waiting=tuple(old.get("waiting", [])), why=old.get("why", ""),
                                errors=tuple(errors)))  # fmt: skip
    return ScheduleRun(task_id=run.task.id, due_at=run.args.due_at, ended_at=utc_now(), results=tuple(results))


async def _report(run: Run[SnapshotScheduleRun]) -> None:
    """The task fails if a VM did, so that who waits for it hears of it; nothing is undone by that."""
    schedule = await run.db.read(lambda tx: SNAPSHOT_SCHEDULE.get(tx, run.args.schedule_id))
    if schedule.last_run is not None and schedule.last_run.failures:
        raise Failed(sentence(schedule.last_run), code="snapshot_schedule.incomplete",
                     hint=f"See `altus snapshot-schedule show {schedule.name}`.")  # fmt: skip


def _broken_off(run: Run[SnapshotScheduleRun], tx: Tx) -> None:
    """It did not come to its end: that is the last run, too, unless it has told more already."""
    schedule = SNAPSHOT_SCHEDULE.peek(tx, run.args.schedule_id)
    if schedule is None or (schedule.last_run is not None and schedule.last_run.task_id == run.task.id):
        return
    last = ScheduleRun(task_id=run.task.id, due_at=run.args.due_at, ended_at=utc_now(), error=_why(run.task))
    if run.task.state is TaskState.CANCELLED:  # somebody wanted that: nobody has to be called
        SNAPSHOT_SCHEDULE.change(tx, schedule.id, last_run=last)
        forget_alarms(tx, schedule.id, SKIPPED)
    else:
        note_run(tx, schedule.id, last)


SNAPSHOT_SCHEDULE_RUN = TaskType(
    "snapshot_schedule.run",
    SnapshotScheduleRun,
    title="Run snapshot schedule",
    permission=Permission.SNAPSHOT_WRITE,
    noun="snapshot_schedule",
    locks=lambda args: lock(args.schedule_id),
    check=check_there,
    plan=_plan,
    steps=(
        Step("choose", "Find the VMs", _choose),
        Step("take", "Take a snapshot of each", _take, commits=True),
        Step("prune", "Delete snapshots that are not kept", _prune),
        Step("store", "Store what came of it", _store),
        Step("report", "Tell for which VMs it failed", _report),
    ),
    on_undone=_broken_off,
    on_stuck=_broken_off,
)
