"""Snapshot schedules of a site."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.snapshot_schedules import SnapshotScheduleService
from altus.manager.store.resources import SNAPSHOT_SCHEDULE
from altus.model.snapshot_schedule import SnapshotSchedule
from altus.wire.snapshot_schedules import SnapshotScheduleCreate, SnapshotScheduleEdit
from tests.unit.manager.changes.site import ADMIN, Site
from tests.unit.manager.changes.snapshots import snapshots_of, taken

Draft = Coroutine[Any, Any, Change[Any]]
Ready = Callable[[], Draft]


def schedules_of(site: Site) -> SnapshotScheduleService:
    """Its service."""
    return SnapshotScheduleService(site.db)


def schedule_body(**fields: Any) -> SnapshotScheduleCreate:
    """One that does not come by itself."""
    plain = {"name": f"schedule-{new_id()[-12:]}", "cron": "0 * * * *", "tags": ["kept"], "keep": {"last": 1},
             "enabled": False}  # fmt: skip
    return SnapshotScheduleCreate.model_validate(plain | fields)


async def new_schedule(site: Site, **fields: Any) -> SnapshotSchedule:
    """A new one; needs a running engine."""
    task = await site.done(schedules_of(site).create(ADMIN, schedule_body(**fields)))
    return await stored(site, task.object_id)


async def stored(site: Site, schedule_id: str) -> SnapshotSchedule:
    """As it is now."""
    return await site.db.read(lambda tx: SNAPSHOT_SCHEDULE.get(tx, schedule_id))


async def prepare_create(site: Site) -> Ready:
    """By a tag."""
    body = schedule_body()
    return lambda: schedules_of(site).create(ADMIN, body)


async def prepare_edit(site: Site) -> Ready:
    """It gets another name and other times."""
    schedule = await new_schedule(site)
    body = SnapshotScheduleEdit(name=f"{schedule.name}-new", cron="30 2 * * *", enabled=True)
    return lambda: schedules_of(site).edit(ADMIN, schedule.id, body)


async def prepare_delete(site: Site) -> Ready:
    """With nothing taken."""
    schedule = await new_schedule(site)
    return lambda: schedules_of(site).delete(ADMIN, schedule.id)


async def prepare_keep(site: Site) -> Ready:
    """One that a schedule took."""
    vm = await site.new_vm()
    schedule = await new_schedule(site, vms=[vm.id], tags=[])
    await site.done(schedules_of(site).run(ADMIN, schedule.id))
    (snapshot,) = await taken(site, vm.id)
    return lambda: snapshots_of(site).keep(ADMIN, vm.id, snapshot)


def prepare_run(*, before: int) -> Callable[[Site], Awaitable[Ready]]:
    """It has run so many times before, and keeps one snapshot."""

    async def prepare(site: Site) -> Ready:
        vm = await site.new_vm()
        schedule = await new_schedule(site, vms=[vm.id], tags=[])
        for _ in range(before):
            await site.done(schedules_of(site).run(ADMIN, schedule.id))
        return lambda: schedules_of(site).run(ADMIN, schedule.id)

    return prepare


SCHEDULES: dict[str, tuple[str, Callable[[Site], Awaitable[Ready]]]] = {
    "snapshot_schedule.create": ("snapshot_schedule.create", prepare_create),
    "snapshot_schedule.edit": ("snapshot_schedule.edit", prepare_edit),
    "snapshot_schedule.delete": ("snapshot_schedule.delete", prepare_delete),
    "snapshot.keep": ("snapshot.keep", prepare_keep),
}
"""Cases of tasks that change only the database, by name: the task's kind, and how it is prepared."""
RUNS = {
    "snapshot_schedule.run": (prepare_run(before=0), ("snapshot.create",)),
    "snapshot_schedule.run-prune": (prepare_run(before=1), ("snapshot.create", "snapshot.delete", "snapshot.merge")),
}
"""Cases of runs, by name: how they are prepared, and the kinds of tasks that they start."""
