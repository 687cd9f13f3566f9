"""What a snapshot schedule is about: VMs, their snapshots, and the alarm about its last run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from altus.common.ids import derived_id
from altus.manager.store import alarms
from altus.manager.store.database import Tx
from altus.manager.store.resources import SNAPSHOT, SNAPSHOT_SCHEDULE, VM
from altus.model.alarm import Alarm
from altus.model.snapshot import Snapshot, refusal
from altus.model.snapshot_schedule import ScheduleRun, SkippedTime, SnapshotSchedule, other_name
from altus.model.vm import Vm

DELETING = "delete a snapshot of"
FAILED, SKIPPED = "snapshot_schedule.failed", "snapshot_schedule.skipped"
"""Kinds of alarms."""
_NEXT, _NAMED = 5, 3


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """Snapshots of a VM that are not to be kept; `why` they cannot be deleted now, empty if they can."""

    vm: Vm
    snapshots: Sequence[Snapshot]
    why: str


def covered(tx: Tx, schedule: SnapshotSchedule) -> list[Vm]:
    """The VMs of which a run takes snapshots, by name."""
    vms = VM.all(tx, VM.table.c.project_id == schedule.project_id)
    return sorted((vm for vm in vms if schedule.covers(vm)), key=lambda vm: (vm.name, vm.id))


def leaving(tx: Tx, schedule: SnapshotSchedule, now: datetime, taken: datetime | None = None) -> list[Leaving]:
    """What is to go now, by VM, also of VMs that are not covered any more; with `taken`, as if each that is covered had
    one of that time, too."""
    by_vm: dict[str, list[Snapshot]] = {vm.id: [] for vm in covered(tx, schedule)} if taken else {}
    new = set(by_vm)
    for one in SNAPSHOT.all(tx, SNAPSHOT.table.c.schedule_id == schedule.id):
        by_vm.setdefault(one.vm_id, []).append(one)
    found = []
    for vm_id, snapshots in by_vm.items():
        vm = VM.peek(tx, vm_id)
        gone = schedule.expired(snapshots, now, taken if vm_id in new else None)
        if vm is not None and gone:
            found.append(Leaving(vm=vm, snapshots=gone, why=refusal(vm, DELETING)))
    return sorted(found, key=lambda one: (one.vm.name, one.vm.id))


def preview(tx: Tx, schedule: SnapshotSchedule, now: datetime) -> dict[str, list[str]]:
    """What a plan tells: when it comes next, for which VMs, and what a run would delete now."""
    found = leaving(tx, schedule, now, taken=now)
    gone = [f"{snapshot.name} of {one.vm.name}" for one in found if not one.why for snapshot in one.snapshots]
    waiting = [f"{snapshot.name} of {one.vm.name}" for one in found if one.why for snapshot in one.snapshots]
    return {
        "next times": [f"{time:%Y-%m-%d %H:%M} UTC" for time in schedule.next_times(now, _NEXT)],
        "VMs": [vm.name for vm in covered(tx, schedule)],
        "snapshots that a run now would delete": gone,
        "snapshots that stay until their VM is off": waiting,
    }


def reserve_snapshot(tx: Tx, snapshot: Snapshot) -> None:
    """Insert one that a schedule takes, under another name if somebody has given its name to another one."""
    if any(one.name == snapshot.name for one in SNAPSHOT.of(tx, snapshot.vm_id)):
        snapshot = dataclasses.replace(snapshot, name=other_name(snapshot.name, snapshot.id))
    SNAPSHOT.insert(tx, snapshot)


def note_run(tx: Tx, schedule_id: str, run: ScheduleRun) -> None:
    """Keep what came of a run, and raise or clear alarms about it."""
    schedule = SNAPSHOT_SCHEDULE.change(tx, schedule_id, last_run=run)
    if schedule is None:
        return
    forget_alarms(tx, schedule_id, SKIPPED if run.error or run.failures else "")
    if run.error or run.failures:
        message = f"The last run of snapshot schedule {schedule.name} went wrong. {sentence(run)}"
        alarms.raise_one(tx, _alarm(schedule, FAILED, message))


def note_skipped(tx: Tx, schedule: SnapshotSchedule, skipped: SkippedTime) -> None:
    """Raise the alarm about a time at which nothing was taken; it stands until a run has ended."""
    message = f"Snapshot schedule {schedule.name} took nothing at {skipped.due_at:%Y-%m-%d %H:%M} UTC. {skipped.reason}"
    alarms.raise_one(tx, _alarm(schedule, SKIPPED, message))


def forget_alarms(tx: Tx, schedule_id: str, kind: str = "") -> None:
    """What they tell is over, or nobody is concerned any more: one kind, or all."""
    for one in (kind,) if kind else (FAILED, SKIPPED):
        alarms.clear_one(tx, _alarm_id(schedule_id, one))


def sentence(run: ScheduleRun) -> str:
    """What went wrong in a run."""
    failures = run.failures
    some = " ".join(f"{one.vm_name}: {one.errors[0]}" for one in failures[:_NAMED])
    more = f" And {len(failures) - _NAMED} more." if len(failures) > _NAMED else ""
    return run.error or f"It failed for {len(failures)} of {len(run.results)} VMs. {some}{more}"


def _alarm(schedule: SnapshotSchedule, kind: str, message: str) -> Alarm:
    return Alarm(id=_alarm_id(schedule.id, kind), kind=kind, noun="snapshot_schedule", object_id=schedule.id,
                 host_id="", message=message,
                 hint=f"See `altus snapshot-schedule show {schedule.name}`.")  # fmt: skip


def _alarm_id(schedule_id: str, kind: str) -> str:
    return derived_id("alarm", kind, schedule_id)
