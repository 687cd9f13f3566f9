"""Scenes of snapshot schedules: what must be true when one of their tasks has ended, done or undone."""

from __future__ import annotations

from altus.common.units import MIB
from altus.wire.snapshot_schedules import (
    RetentionShape,
    SnapshotScheduleCreate,
    SnapshotScheduleEdit,
    SnapshotScheduleView,
)
from testbed.administrator import Administrator, fresh
from tests.functional.scenes import Go, done, is_there, scene


def _body(*vms: str) -> SnapshotScheduleCreate:
    """One that keeps a snapshot, and does not come by itself."""
    return SnapshotScheduleCreate(name=fresh("schedule"), cron="0 * * * *", vms=list(vms), tags=["kept"],
                                  keep=RetentionShape(last=1), enabled=False)  # fmt: skip


async def _schedule(admin: Administrator, *vms: str) -> SnapshotScheduleView:
    body = _body(*vms)
    await admin.altus.snapshot_schedules.create(body).run()
    return await admin.altus.snapshot_schedules.get(body.name)


async def _tidy(admin: Administrator, name: str) -> None:
    if await is_there(admin.altus.snapshot_schedules, name):
        await admin.altus.snapshot_schedules.delete(name).run()


@scene("snapshot_schedule.create")
async def _create(admin: Administrator, go: Go) -> None:
    body = _body()
    task = await go(admin.altus.snapshot_schedules.create(body))
    assert await is_there(admin.altus.snapshot_schedules, body.name) is done(task)
    await _tidy(admin, body.name)


@scene("snapshot_schedule.edit")
async def _edit(admin: Administrator, go: Go) -> None:
    before = await _schedule(admin)
    task = await go(admin.altus.snapshot_schedules.edit(before.id, SnapshotScheduleEdit(cron="30 2 * * *")))
    after = await admin.altus.snapshot_schedules.get(before.id)
    assert after.cron == ("30 2 * * *" if done(task) else before.cron)
    await _tidy(admin, after.name)


@scene("snapshot_schedule.delete")
async def _delete(admin: Administrator, go: Go) -> None:
    schedule = await _schedule(admin)
    task = await go(admin.altus.snapshot_schedules.delete(schedule.id))
    assert await is_there(admin.altus.snapshot_schedules, schedule.name) is not done(task)
    await _tidy(admin, schedule.name)


@scene("snapshot.keep")
async def _keep(admin: Administrator, go: Go) -> None:
    """One that a schedule took; the next run deletes it only if it is not kept."""
    vm = await admin.vm(image=None, disk_size=4 * MIB, memory=64 * MIB)
    schedule = await _schedule(admin, vm.id)
    await admin.altus.snapshot_schedules.run(schedule.id).run()
    (snapshot,) = (await admin.altus.snapshots.page(vm.id)).items
    task = await go(admin.altus.snapshots.keep(vm.id, snapshot.id))
    await admin.altus.snapshot_schedules.run(schedule.id).run()
    left = {one.id for one in (await admin.altus.snapshots.page(vm.id)).items}
    assert (snapshot.id in left) is done(task)
    assert len(left) == (2 if done(task) else 1)
    await _tidy(admin, schedule.name)


@scene("snapshot_schedule.run")
async def _run(admin: Administrator, go: Go) -> None:
    """The second time: one is taken, and the first one goes. Where it fails before that, the first one stays."""
    vm = await admin.vm(image=None, disk_size=4 * MIB, memory=64 * MIB)
    schedule = await _schedule(admin, vm.id)
    await admin.altus.snapshot_schedules.run(schedule.id).run()
    (before,) = (await admin.altus.snapshots.page(vm.id)).items
    task = await go(admin.altus.snapshot_schedules.run(schedule.id))
    last = (await admin.altus.snapshot_schedules.get(schedule.id)).last_run
    there = {one.name for one in (await admin.altus.snapshots.page(vm.id)).items}
    assert last is not None
    assert last.task_id == task.id
    assert bool(last.error) is not done(task)
    if done(task):
        (result,) = last.results
        assert (result.deleted, result.errors, there) == ([before.name], [], {result.snapshot})
    else:
        assert there == {before.name}
    await _tidy(admin, schedule.name)
