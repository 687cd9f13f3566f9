"""Begins the runs of snapshot schedules when their times come, on the manager with the lease."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from altus.common.errors import AltusError, Unavailable
from altus.manager.services.changes import Changes, Idempotency
from altus.manager.services.snapshot_schedules import run_of
from altus.manager.store import lease as leases
from altus.manager.store import tasks as rows
from altus.manager.store.database import LeaseLostError, Tx
from altus.manager.store.lease import Lease
from altus.manager.store.resources import SNAPSHOT_SCHEDULE
from altus.manager.store.snapshot_schedules import note_skipped
from altus.manager.tasks.snapshot_schedule_run import SNAPSHOT_SCHEDULE_RUN
from altus.model.actor import Actor, Right
from altus.model.permission import Permission
from altus.model.resource import utc_now
from altus.model.snapshot_schedule import SkippedTime, SnapshotSchedule
from altus.model.task import Task

_log = structlog.get_logger(__name__)
_EVERY = 5.0
ACTOR = Actor(account_id="", name="altus", source="local",
              rights=(Right(frozenset({Permission.SNAPSHOT_READ, Permission.SNAPSHOT_WRITE})),))  # fmt: skip
"""Who asks for what nobody has asked for."""


class ScheduleClock:
    """A time is dealt with when its run is queued, in the same transaction, or when it is skipped; each is one task, by
    its key. Of those that were missed, as no manager ran, only the latest is made up for."""

    def __init__(self, changes: Changes, now: Callable[[], datetime] = utc_now) -> None:
        self._changes = changes
        self._db = changes.db
        self._now = now

    async def watch(self, lease: Lease) -> None:
        """Every few seconds, until cancelled."""
        while True:
            try:
                await self.look(lease.epoch)
            except Unavailable as error:
                _log.warning("snapshot schedules put off", error=error.message)
            await asyncio.sleep(_EVERY)

    async def look(self, epoch: int) -> None:
        """Begin what is due now; `Unavailable` without the database."""
        enabled = SNAPSHOT_SCHEDULE.table.c.enabled
        for schedule in await self._db.read(lambda tx: SNAPSHOT_SCHEDULE.all(tx, enabled)):
            try:
                await self._look_at(epoch, schedule, self._now())
            except (Unavailable, LeaseLostError):
                raise
            except AltusError as error:  # such as a time zone that the system does not know any more
                _log.error("a snapshot schedule cannot begin", schedule=schedule.name, error=error.message)

    async def _look_at(self, epoch: int, schedule: SnapshotSchedule, now: datetime) -> None:
        if schedule.is_set_back(now):
            _log.warning("the clock was set back behind a schedule's last time", schedule=schedule.name)
            await self._deal(epoch, schedule, now)
        elif (due := schedule.due(now)) is not None:
            await self._begin(epoch, schedule, due)

    async def _begin(self, epoch: int, schedule: SnapshotSchedule, due: datetime) -> None:
        if (busy := await self._db.read(lambda tx: _under_way(tx, schedule))) is not None:
            await self._skip(epoch, schedule, due, f"The run before, task {busy.id}, was not done.")
            return
        key = f"snapshot schedule {schedule.id} {due.isoformat()}"
        try:
            task = await self._changes.submit(ACTOR, run_of(schedule, due, by_itself=True),
                                              Idempotency.of(key, schedule.id.encode()))  # fmt: skip
        except Unavailable:
            raise
        except AltusError as error:
            await self._skip(epoch, schedule, due, error.message)
        else:
            await self._deal(epoch, schedule, due)  # the task was there already if the clock was set back
            _log.info("a snapshot schedule runs", schedule=schedule.name, due=due.isoformat(), task=task.id)

    async def _skip(self, epoch: int, schedule: SnapshotSchedule, due: datetime, reason: str) -> None:
        _log.warning("a snapshot schedule skips a time", schedule=schedule.name, due=due.isoformat(), reason=reason)
        await self._deal(epoch, schedule, due, SkippedTime(due_at=due, reason=reason))

    async def _deal(self, epoch: int, schedule: SnapshotSchedule, until: datetime,
                    skipped: SkippedTime | None = None) -> None:  # fmt: skip
        """Times up to this one are dealt with."""

        def work(tx: Tx) -> None:
            leases.fence(tx, epoch)
            there = SNAPSHOT_SCHEDULE.peek(tx, schedule.id)
            if there is not None and there.since <= max(schedule.since, until):  # else somebody has changed it
                SNAPSHOT_SCHEDULE.change(tx, schedule.id, since=until, skipped=skipped or there.skipped)
                if skipped is not None:
                    note_skipped(tx, there, skipped)

        await self._db.write(work)


def _under_way(tx: Tx, schedule: SnapshotSchedule) -> Task | None:
    tasks = (task for task in rows.unfinished_of(tx, schedule.id) if task.kind == SNAPSHOT_SCHEDULE_RUN.kind)
    return next(tasks, None)
