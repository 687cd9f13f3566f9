"""`snapshot_schedule.create`, `.edit` and `.delete`: only the database changes, when the task ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from altus.manager.store.database import Tx
from altus.manager.store.resources import SNAPSHOT_SCHEDULE
from altus.manager.store.snapshot_schedules import forget_alarms, preview
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.model.permission import Permission
from altus.model.resource import utc_now
from altus.model.snapshot_schedule import SnapshotSchedule, require_sound
from altus.model.snapshot_schedule_retention import Retention
from altus.model.task import Lock, exclusive


@dataclass(frozen=True, kw_only=True)
class SnapshotScheduleMake:
    """The schedule as it will be stored."""

    schedule: SnapshotSchedule


@dataclass(frozen=True, kw_only=True)
class SnapshotScheduleEdit:
    """What is to be otherwise; None: as it is."""

    schedule_id: str
    name: str | None = None
    description: str | None = None
    cron: str | None = None
    timezone: str | None = None
    vm_ids: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    quiesce: bool | None = None
    keep: Retention | None = None
    enabled: bool | None = None

    def applied(self, schedule: SnapshotSchedule, now: datetime) -> SnapshotSchedule:
        """The schedule with these changes. Where its times are others, or begin again, those that have passed do not
        count as missed."""
        given = {name: value for name, value in vars(self).items() if name != "schedule_id" and value is not None}
        edited = dataclasses.replace(schedule, **given)
        same = all(getattr(edited, name) == getattr(schedule, name) for name in ("cron", "timezone", "enabled"))
        return edited if same else dataclasses.replace(edited, since=now)


@dataclass(frozen=True, kw_only=True)
class SnapshotScheduleChoice:
    """Which schedule."""

    schedule_id: str


def lock(schedule_id: str) -> Sequence[Lock]:
    """Of whatever is done with a schedule."""
    return [exclusive("snapshot_schedule", schedule_id)]


async def _check_make(run: Run[SnapshotScheduleMake]) -> None:
    require_sound(run.args.schedule)


async def _plan_make(run: Run[SnapshotScheduleMake]) -> dict[str, Any]:
    return await run.db.read(lambda tx: preview(tx, run.args.schedule, utc_now()))


async def _make(run: Run[SnapshotScheduleMake]) -> None:
    """Times up to this one do not count as missed."""
    schedule = dataclasses.replace(run.args.schedule, since=utc_now())
    run.write(lambda tx: SNAPSHOT_SCHEDULE.insert(tx, schedule))


def _edited(tx: Tx, args: SnapshotScheduleEdit) -> SnapshotSchedule:
    edited = args.applied(SNAPSHOT_SCHEDULE.get(tx, args.schedule_id), utc_now())
    SNAPSHOT_SCHEDULE.require_free_name(tx, edited)
    require_sound(edited)
    return edited


async def _check_edit(run: Run[SnapshotScheduleEdit]) -> None:
    await run.db.read(lambda tx: _edited(tx, run.args))


async def _plan_edit(run: Run[SnapshotScheduleEdit]) -> dict[str, Any]:
    return await run.db.read(lambda tx: preview(tx, _edited(tx, run.args), utc_now()))


async def _edit(run: Run[SnapshotScheduleEdit]) -> None:
    """Of one that is disabled nobody has to be told what went wrong."""

    def write(tx: Tx) -> None:
        if not SNAPSHOT_SCHEDULE.update(tx, _edited(tx, run.args)).enabled:
            forget_alarms(tx, run.args.schedule_id)

    run.write(write)


async def check_there(run: Run[Any]) -> None:
    """`NotFound` (`snapshot_schedule.not_found`)."""
    await run.db.read(lambda tx: SNAPSHOT_SCHEDULE.get(tx, run.args.schedule_id))


async def _delete(run: Run[SnapshotScheduleChoice]) -> None:
    """The snapshots stay, as if people had taken them."""

    def write(tx: Tx) -> None:
        SNAPSHOT_SCHEDULE.delete(tx, run.args.schedule_id)
        forget_alarms(tx, run.args.schedule_id)

    run.write(write)


SNAPSHOT_SCHEDULE_CREATE = TaskType(
    "snapshot_schedule.create",
    SnapshotScheduleMake,
    title="Create snapshot schedule",
    permission=Permission.SNAPSHOT_WRITE,
    noun="snapshot_schedule",
    locks=lambda args: lock(args.schedule.id),
    check=_check_make,
    plan=_plan_make,
    steps=(Step("store", "Store the schedule", _make),),
)
SNAPSHOT_SCHEDULE_EDIT = TaskType(
    "snapshot_schedule.edit",
    SnapshotScheduleEdit,
    title="Change snapshot schedule",
    permission=Permission.SNAPSHOT_WRITE,
    noun="snapshot_schedule",
    locks=lambda args: lock(args.schedule_id),
    check=_check_edit,
    plan=_plan_edit,
    steps=(Step("store", "Store the change", _edit),),
)
SNAPSHOT_SCHEDULE_DELETE = TaskType(
    "snapshot_schedule.delete",
    SnapshotScheduleChoice,
    title="Delete snapshot schedule",
    permission=Permission.SNAPSHOT_WRITE,
    noun="snapshot_schedule",
    locks=lambda args: lock(args.schedule_id),
    check=check_there,
    steps=(Step("store", "Forget the schedule", _delete),),
)
