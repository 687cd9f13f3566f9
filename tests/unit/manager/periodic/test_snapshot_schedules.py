"""When schedules begin their runs: in time, late once, never twice, and not while the run before goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from altus.manager.periodic.snapshot_schedules import ScheduleClock
from altus.manager.store import lease as leases
from altus.manager.store import tasks as rows
from altus.manager.store.alarms import ALARM
from altus.manager.store.database import Database, LeaseLostError
from altus.manager.store.resources import SNAPSHOT_SCHEDULE
from altus.model.snapshot_schedule import SnapshotSchedule
from altus.model.task import Task, TaskState
from tests.unit.manager.changes.site import Site, tasks_of
from tests.unit.manager.changes.snapshot_schedules import new_schedule, stored
from tests.unit.manager.changes.snapshots import taken

NOON = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)


class Clock:
    """Stands where it is put; looks as the manager with the lease."""

    def __init__(self, site: Site, now: datetime) -> None:
        self.now = now
        self.site = site
        self._clock = ScheduleClock(site.changes(site._wake), lambda: self.now)

    async def look(self, now: datetime | None = None, epoch: int | None = None) -> list[datetime]:
        """Look once; for which times runs were asked for since the beginning, in order."""
        self.now = now or self.now
        await self._clock.look(await _epoch(self.site) if epoch is None else epoch)
        return [datetime.fromisoformat(task.arguments["due_at"]) for task in await runs(self.site)]


async def _epoch(site: Site) -> int:
    found = await site.db.write(lambda tx: leases.acquire(tx, "test", 60.0, force=True))
    assert found is not None
    return found.epoch


async def runs(site: Site) -> list[Task]:
    """All that were asked for."""
    return await tasks_of(site, "snapshot_schedule.run")


@pytest.fixture
async def site(sqlite_db: Database, tmp_path: Path) -> AsyncIterator[Site]:
    """One host."""
    site = await Site.new(sqlite_db, tmp_path)
    yield site
    await site.agents.close()


async def scheduled(site: Site, cron: str = "0 * * * *", since: datetime = NOON) -> SnapshotSchedule:
    """An enabled one, whose times up to `since` are dealt with."""
    async with site.running():
        schedule = await new_schedule(site, cron=cron, enabled=True)
    await site.db.write(lambda tx: SNAPSHOT_SCHEDULE.change(tx, schedule.id, since=since))
    return await stored(site, schedule.id)


async def test_it_begins_when_its_time_has_come_and_once(site: Site) -> None:
    schedule, clock = await scheduled(site), Clock(site, NOON)
    assert await clock.look() == []
    assert await clock.look(NOON + timedelta(minutes=59, seconds=59)) == []
    due = NOON + timedelta(hours=1)
    assert await clock.look(due + timedelta(seconds=3)) == [due]
    assert await clock.look(due + timedelta(seconds=8)) == [due]
    assert (await stored(site, schedule.id)).since == due
    (task,) = await runs(site)
    assert (task.actor, task.object_id) == ("altus", schedule.id)


async def test_two_managers_that_look_at_once_ask_for_one_run(site: Site) -> None:
    schedule, due = await scheduled(site), NOON + timedelta(hours=1)
    await Clock(site, due).look()
    await site.db.write(lambda tx: SNAPSHOT_SCHEDULE.change(tx, schedule.id, since=NOON))  # as the other one read it
    async with site.running():
        (task,) = await runs(site)
        await site.ended(task)
    assert await Clock(site, due).look() == [due]
    assert (await stored(site, schedule.id)).since == due


async def test_of_times_that_no_manager_saw_the_last_is_made_up_for(site: Site) -> None:
    await scheduled(site)
    late = NOON + timedelta(days=3, minutes=20)
    assert await Clock(site, late).look() == [NOON + timedelta(days=3)]


async def test_a_disabled_one_never_begins(site: Site) -> None:
    schedule = await scheduled(site)
    await site.db.write(lambda tx: SNAPSHOT_SCHEDULE.change(tx, schedule.id, enabled=False))
    assert await Clock(site, NOON + timedelta(days=1)).look() == []


async def test_while_the_run_before_goes_on_the_next_time_is_skipped_and_it_is_said_why(site: Site) -> None:
    schedule, clock = await scheduled(site), Clock(site, NOON)
    first, second, third = (NOON + timedelta(hours=hour) for hour in (1, 2, 3))
    assert await clock.look(first) == [first]
    (task,) = await runs(site)
    assert await clock.look(second) == [first]
    skipped = (await stored(site, schedule.id)).skipped
    assert skipped is not None
    assert skipped.due_at == second
    assert task.id in skipped.reason
    (alarm,) = await site.db.read(ALARM.all)
    assert (alarm.kind, alarm.object_id) == ("snapshot_schedule.skipped", schedule.id)
    assert f"took nothing at 2026-05-02 14:00 UTC. {skipped.reason}" in alarm.message
    async with site.running():
        assert (await site.ended(task)).state is TaskState.SUCCEEDED
    assert await site.db.read(ALARM.all) == []
    assert await clock.look(second + timedelta(minutes=1)) == [first]
    assert await clock.look(third) == [first, third]


async def test_clocks_put_back_by_seconds_take_nothing_twice(site: Site) -> None:
    await scheduled(site)
    clock, due = Clock(site, NOON), NOON + timedelta(hours=1)
    assert await clock.look(due) == [due]
    async with site.running():
        await site.ended((await runs(site))[0])
    for seconds in (-2, 0, 5):
        assert await clock.look(due + timedelta(seconds=seconds)) == [due]


async def test_a_clock_that_was_ahead_for_a_year_costs_no_year_without_snapshots(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm(tags=["kept"])
    schedule = await scheduled(site)
    ahead = NOON + timedelta(days=365)
    clock = Clock(site, NOON)
    assert await clock.look(ahead) == [ahead]
    async with site.running():
        await site.ended((await runs(site))[0])
    assert await clock.look(NOON + timedelta(minutes=1)) == [ahead]
    due = NOON + timedelta(hours=1)
    assert await clock.look(due) == [ahead, due]
    async with site.running():
        await site.ended((await runs(site))[1])
    assert {one.due_at for one in (await taken(site, vm.id)).values()} >= {due}
    assert (await stored(site, schedule.id)).since == due


async def test_a_manager_that_has_lost_the_lease_skips_nothing(site: Site) -> None:
    schedule, clock = await scheduled(site), Clock(site, NOON)
    old = await _epoch(site)
    await clock.look(NOON + timedelta(hours=1))
    with pytest.raises(LeaseLostError):
        await clock.look(NOON + timedelta(hours=2), epoch=old)
    assert (await stored(site, schedule.id)).skipped is None


async def test_one_that_makes_no_sense_any_more_keeps_no_other(site: Site) -> None:
    """The system knows its time zone no more."""
    lost, there = await scheduled(site), await scheduled(site)
    await site.db.write(lambda tx: SNAPSHOT_SCHEDULE.change(tx, lost.id, timezone="Atlantis/Poseidonis"))
    assert await Clock(site, NOON).look(NOON + timedelta(hours=1)) == [NOON + timedelta(hours=1)]
    (task,) = await runs(site)
    assert task.object_id == there.id


async def test_one_that_cannot_begin_is_skipped_with_the_reason_and_keeps_no_other(site: Site) -> None:
    """One that is deleted in between."""
    gone, there = await scheduled(site), await scheduled(site)
    clock, due = Clock(site, NOON), NOON + timedelta(hours=1)
    await clock.look()
    read = await site.db.read(SNAPSHOT_SCHEDULE.all)
    await site.db.write(lambda tx: SNAPSHOT_SCHEDULE.delete(tx, gone.id))
    clock.now = due
    for schedule in read:
        await clock._clock._begin(await _epoch(site), schedule, due)
    (task,) = await runs(site)
    assert task.object_id == there.id
    assert await site.db.read(lambda tx: rows.unfinished_of(tx, gone.id)) == []
