"""Runs of snapshot schedules: what they take, what they delete, what they tell, and what they leave alone."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from altus.common.errors import Conflict, Failed, Forbidden, InvalidInput, NotFound
from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.snapshot_schedules import run_of
from altus.manager.store import alarms
from altus.manager.store import tasks as rows
from altus.manager.store.resources import HOST, PROJECT, SNAPSHOT
from altus.manager.tasks.load import TASK_TYPES
from altus.manager.tasks.snapshot_delete import SNAPSHOT_DELETE, SnapshotDelete
from altus.model.actor import Actor, Right
from altus.model.alarm import Alarm
from altus.model.permission import Permission, Scope, ScopeKind
from altus.model.resource import Resource, utc_now
from altus.model.snapshot import MAX_SNAPSHOTS, SnapshotState
from altus.model.snapshot_schedule import SnapshotSchedule, snapshot_id_of, snapshot_name
from altus.model.task import StepState, Task, TaskState
from altus.model.vm_action import VmAction
from altus.wire import vms as vm_shapes
from altus.wire.operations import LAYER_FREEZE_ALL
from altus.wire.snapshot_schedules import RetentionShape, SnapshotScheduleEdit
from altus.wire.snapshots import SnapshotCreate
from testbed.killer import Outcome, Stage, walk
from tests.unit.manager.changes.interference import Interference, Trouble
from tests.unit.manager.changes.site import ADMIN, Site
from tests.unit.manager.changes.snapshot_schedules import new_schedule, schedule_body, schedules_of, stored
from tests.unit.manager.changes.snapshots import new_snapshot, snapshots_of, taken

SNAPSHOT_TASKS = ("snapshot.create", "snapshot.delete", "snapshot.merge")


async def run(site: Site, schedule: SnapshotSchedule) -> SnapshotSchedule:
    """A run that must succeed; needs a running engine."""
    await site.done(schedules_of(site).run(ADMIN, schedule.id))
    return await stored(site, schedule.id)


async def run_badly(site: Site, schedule: SnapshotSchedule) -> Task:
    """A run that must fail; needs a running engine."""
    task = await site.ended(await site.submit(schedules_of(site).run(ADMIN, schedule.id)))
    assert task.state is TaskState.FAILED, task
    return task


async def names(site: Site, vm_id: str) -> list[str]:
    """Of a VM's snapshots, the oldest first."""
    found = sorted((await taken(site, vm_id)).values(), key=lambda one: one.created_at)
    return [one.name for one in found]


async def alarms_of(site: Site) -> list[Alarm]:
    """All that stand."""
    return await site.db.read(alarms.ALARM.all)


async def test_vms_named_and_those_with_a_tag_get_one_and_the_others_none(site: Site) -> None:
    async with site.running():
        named, tagged, other = await site.new_vm(), await site.new_vm(tags=["kept"]), await site.new_vm(tags=["x"])
        schedule = await run(site, await new_schedule(site, name="nightly", vms=[named.name]))
    for vm in (named, tagged):
        (one,) = (await taken(site, vm.id)).values()
        assert one.state is SnapshotState.READY
        assert one.schedule_id == schedule.id
        assert one.name == snapshot_name(schedule, one.due_at) if one.due_at else False
    assert await taken(site, other.id) == {}
    assert schedule.last_run is not None
    assert {one.vm_id: bool(one.snapshot) for one in schedule.last_run.results} == {named.id: True, tagged.id: True}
    await site.require_healthy()


async def test_old_ones_go_but_never_those_that_people_took(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm(tags=["kept"])
        schedule = await new_schedule(site, keep={"last": 2})
        alike = SnapshotCreate(name=f"{schedule.name}-20200101T000000Z")
        await site.done(snapshots_of(site).create(ADMIN, vm.id, alike))
        for _ in range(4):
            schedule = await run(site, schedule)
    by_hand, *own = await names(site, vm.id)
    assert by_hand == alike.name
    assert len(own) == 2
    assert schedule.last_run is not None
    assert [len(one.deleted) for one in schedule.last_run.results] == [1]
    await site.require_healthy()


async def test_one_that_somebody_keeps_stays_and_does_not_count(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm(tags=["kept"])
        schedule = await run(site, await new_schedule(site))
        (kept,) = await taken(site, vm.id)
        for _ in range(2):  # the second time it is a person's already
            await site.done(snapshots_of(site).keep(ADMIN, vm.id, kept))
        for _ in range(3):
            await run(site, schedule)
        left = await taken(site, vm.id)
    assert len(left) == 2
    assert (left[kept].schedule_id, left[kept].state) == (None, SnapshotState.READY)
    await site.require_healthy()


async def test_one_that_somebody_keeps_while_the_run_goes_on_is_not_deleted_any_more(site: Site) -> None:
    """Its deletion is asked for already, and waits for what is done to its VM."""
    async with site.running():
        vm = await site.new_vm(tags=["kept"])
        schedule = await run(site, await new_schedule(site))
        (kept,) = await taken(site, vm.id)
        asked = SnapshotDelete(vm_id=vm.id, snapshot_id=kept, schedule_id=schedule.id)
        await site.done(snapshots_of(site).keep(ADMIN, vm.id, kept))
        change = Change(kind=SNAPSHOT_DELETE, arguments=asked, object_id=kept, object_name="x", project_id="")
        with pytest.raises(Conflict) as refused:
            await site.changes().submit(ADMIN, change)
        assert refused.value.code == "snapshot.kept"
        assert kept in await taken(site, vm.id)


async def test_two_schedules_leave_each_others_alone(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm(tags=["kept"])
        one, other = await new_schedule(site), await new_schedule(site)
        for schedule in (one, other, one, other, one):
            await run(site, schedule)
    assert {found.schedule_id for found in (await taken(site, vm.id)).values()} == {one.id, other.id}
    assert len(await taken(site, vm.id)) == 2


async def test_what_a_running_vm_cannot_let_go_of_waits_until_it_is_off(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm(tags=["kept"], start=True)
        schedule = await new_schedule(site)
        for number in range(3):
            schedule = await run(site, schedule)
            assert schedule.last_run is not None
            (result,) = schedule.last_run.results
            assert (len(result.waiting), result.deleted) == (number, ())
            assert result.why == (f"VM {vm.name} is running." if number else "")
        assert await alarms_of(site) == []
        await site.done(site.power.simple(ADMIN, vm.id, VmAction.KILL))
        schedule = await run(site, schedule)
    assert schedule.last_run is not None
    assert len(schedule.last_run.results[0].deleted) == 3
    assert len(await taken(site, vm.id)) == 1
    await site.require_healthy()


async def test_a_vm_that_fails_stops_no_other_and_stands_as_an_alarm_until_a_run_goes_well(site: Site) -> None:
    async with site.running():
        vms = [await site.new_vm(name=name, tags=["kept"]) for name in ("a", "b", "c")]
        schedule = await new_schedule(site, name="nightly")
        site.agents.fail_next(site.host_id, LAYER_FREEZE_ALL.name, Failed("The disk is full.", code="test.full"))
        task = await run_badly(site, schedule)
        counts = [len(await taken(site, vm.id)) for vm in vms]
        assert sorted(counts) == [0, 1, 1]
        failed = vms[counts.index(0)]
        assert task.error is not None
        assert task.error["code"] == "snapshot_schedule.incomplete"
        assert f"{failed.name}: The disk is full." in task.error["message"]
        (alarm,) = await alarms_of(site)
        assert (alarm.kind, alarm.object_id, alarm.host_id) == ("snapshot_schedule.failed", schedule.id, "")
        assert f"1 of 3 VMs. {failed.name}: The disk is full." in alarm.message
        await site.db.write(lambda tx: alarms.forget_hosts(tx, [host.id for host in HOST.all(tx)]))
        assert await alarms_of(site) == [alarm]
        await run(site, schedule)
        assert await alarms_of(site) == []
    assert [step.state for step in task.trail] == [*[StepState.DONE] * 4, StepState.FAILED]  # nothing was undone
    await site.require_healthy()


async def test_of_one_that_is_disabled_nobody_is_called_any_more(site: Site) -> None:
    async with site.running():
        await site.new_vm(tags=["kept"])
        schedule = await new_schedule(site, enabled=True)
        site.agents.fail_next(site.host_id, LAYER_FREEZE_ALL.name, Failed("No.", code="test.full"))
        await run_badly(site, schedule)
        assert len(await alarms_of(site)) == 1
        await site.done(schedules_of(site).edit(ADMIN, schedule.id, SnapshotScheduleEdit(enabled=False)))
    assert await alarms_of(site) == []


async def test_failed_runs_cost_none_of_the_good_ones(site: Site) -> None:
    """Elsewhere what failed counts as kept, and pushes out what was good."""
    async with site.running():
        vm = await site.new_vm(tags=["kept"])
        schedule = await new_schedule(site, keep={"last": 2})
        for _ in range(2):
            await run(site, schedule)
        good = await names(site, vm.id)
        for _ in range(3):
            site.agents.fail_next(site.host_id, LAYER_FREEZE_ALL.name, Failed("No.", code="test.full"))
            await run_badly(site, schedule)
        assert await names(site, vm.id) == good


async def test_one_that_could_not_be_deleted_is_deleted_by_the_next_run(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm(tags=["kept"])
        schedule = await run(site, await new_schedule(site))
        (one,) = await taken(site, vm.id)
        await site.db.write(lambda tx: SNAPSHOT.change(tx, one, state=SnapshotState.FAILED))
        await run(site, schedule)
        assert one not in await taken(site, vm.id)
    await site.require_healthy()


async def test_a_time_is_never_taken_twice(site: Site) -> None:
    due = utc_now() - timedelta(hours=1)

    async def again(schedule: SnapshotSchedule) -> None:
        task = await site.changes(site._wake).submit(ADMIN, run_of(schedule, due))
        assert (await site.ended(task)).state is TaskState.SUCCEEDED

    async with site.running():
        vm = await site.new_vm(tags=["kept"])
        schedule = await new_schedule(site, keep={"last": 5})
        await again(schedule)
        first = await taken(site, vm.id)
        assert list(first) == [snapshot_id_of(schedule.id, due, vm.id)]
        await again(schedule)
        assert await taken(site, vm.id) == first


async def test_its_name_for_a_snapshot_may_be_taken_by_a_person(site: Site) -> None:
    due = utc_now()
    async with site.running():
        vm = await site.new_vm(tags=["kept"])
        schedule = await new_schedule(site)
        name = snapshot_name(schedule, due)
        await site.done(snapshots_of(site).create(ADMIN, vm.id, SnapshotCreate(name=name)))
        task = await site.ended(await site.changes(site._wake).submit(ADMIN, run_of(schedule, due)))
        assert task.state is TaskState.SUCCEEDED
        own = snapshot_id_of(schedule.id, due, vm.id)
        assert await names(site, vm.id) == [name, f"{name}-{own[:8]}"]


async def test_a_vm_with_too_many_is_told_and_nothing_of_it_is_lost(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm(tags=["kept"])
        for _ in range(MAX_SNAPSHOTS):
            await new_snapshot(site, vm.id)
        task = await run_badly(site, await new_schedule(site))
    assert "has 24 snapshots already" in str(task.error)
    assert len(await taken(site, vm.id)) == MAX_SNAPSHOTS


async def test_vms_that_are_gone_are_no_fault(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm()
        schedule = await new_schedule(site, vms=[vm.id], tags=[])
        await run(site, schedule)
        await site.done(site.vms.delete(ADMIN, vm.id, vm_shapes.VmDelete()))
        schedule = await run(site, schedule)
    assert schedule.last_run is not None
    assert schedule.last_run.results == ()
    assert await alarms_of(site) == []


async def test_a_schedule_that_goes_leaves_what_it_took(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm(tags=["kept"])
        schedule = await run(site, await new_schedule(site))
        await site.done(schedules_of(site).delete(ADMIN, schedule.id))
    assert len(await taken(site, vm.id)) == 1
    with pytest.raises(NotFound):
        await schedules_of(site).get(ADMIN, schedule.id)
    await site.require_healthy()


async def test_a_plan_tells_the_times_the_vms_and_what_would_go(site: Site) -> None:
    async with site.running():
        off, on = await site.new_vm(name="off", tags=["kept"]), await site.new_vm(name="on", tags=["kept"], start=True)
        schedule = await new_schedule(site, name="nightly", keep={"last": 2}, cron="30 2 * * *", enabled=True)
        for _ in range(2):
            await run(site, schedule)
        before = {vm.id: await names(site, vm.id) for vm in (off, on)}
        plan = await site.changes().plan(ADMIN, await schedules_of(site).run(ADMIN, "nightly"))
        assert plan.details["VMs"] == ["off", "on"]
        assert len(plan.details["next times"]) == 5
        assert all(time.endswith(" 02:30 UTC") for time in plan.details["next times"])
        assert plan.details["snapshots that a run now would delete"] == [f"{before[off.id][0]} of off"]
        assert plan.details["snapshots that stay until their VM is off"] == [f"{before[on.id][0]} of on"]
        fewer = SnapshotScheduleEdit(keep=RetentionShape(last=1))
        plan = await site.changes().plan(ADMIN, await schedules_of(site).edit(ADMIN, "nightly", fewer))
        assert plan.details["snapshots that a run now would delete"] == [f"{name} of off" for name in before[off.id]]
        assert {vm.id: await names(site, vm.id) for vm in (off, on)} == before
        await run(site, schedule)
        assert (await names(site, off.id))[0] == before[off.id][1]


async def test_what_makes_no_sense_is_refused(site: Site) -> None:
    for fields, code in (({"cron": "61 * * * *"}, "cron"), ({"timezone": "Mars/Base"}, "timezone"),
                         ({"keep": {}}, "keep"), ({"tags": []}, "no_vms")):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            await site.submit(schedules_of(site).create(ADMIN, schedule_body(**fields)))
        assert refused.value.code == f"snapshot_schedule.{code}"
    async with site.running():
        schedule = await new_schedule(site, name="nightly")
        with pytest.raises(InvalidInput):
            await site.submit(schedules_of(site).edit(ADMIN, schedule.id, SnapshotScheduleEdit(tags=[])))
        with pytest.raises(Conflict) as taken_:
            await site.submit(schedules_of(site).create(ADMIN, schedule_body(name="nightly")))
        assert taken_.value.code == "snapshot_schedule.name_taken"


async def test_times_that_passed_while_it_was_disabled_are_not_missed(site: Site) -> None:
    async with site.running():
        schedule = await new_schedule(site, enabled=False)
        for enabled in (True, False, True):
            before = utc_now()
            await site.done(schedules_of(site).edit(ADMIN, schedule.id, SnapshotScheduleEdit(enabled=enabled)))
            schedule = await stored(site, schedule.id)
            assert before <= schedule.since <= utc_now()
        since = schedule.since
        await site.done(schedules_of(site).edit(ADMIN, schedule.id, SnapshotScheduleEdit(description="Others.")))
        assert (await stored(site, schedule.id)).since == since


def _writer(scope: Scope) -> Actor:
    rights = frozenset({Permission.VM_READ, Permission.SNAPSHOT_READ, Permission.SNAPSHOT_WRITE})
    return Actor(account_id=new_id(), name="x", rights=(Right(rights, scope),))


async def test_a_schedule_reaches_no_further_than_who_made_it(site: Site) -> None:
    """Only VMs of its project, and it takes the right to all of them."""
    theirs = Resource(id=new_id(), name="theirs")
    async with site.running():
        vm = await site.new_vm(tags=["kept"])
        schedule = await new_schedule(site)
    await site.db.write(lambda tx: PROJECT.insert(tx, theirs))
    own = _writer(Scope(ScopeKind.PROJECT, theirs.id))
    with pytest.raises(NotFound):  # may not even see it
        await schedules_of(site).create(own, schedule_body(project=theirs.id, vms=[vm.id]))
    with pytest.raises(InvalidInput) as refused:
        await schedules_of(site).create(ADMIN, schedule_body(project=theirs.id, vms=[vm.id]))
    assert refused.value.code == "snapshot_schedule.other_project"
    with pytest.raises(NotFound):
        await schedules_of(site).run(own, schedule.id)
    for scope in (Scope(ScopeKind.OBJECT, vm.id), Scope(ScopeKind.OBJECT, schedule.id)):
        with pytest.raises(Forbidden):
            await schedules_of(site).create(_writer(scope), schedule_body(vms=[vm.id]))
    with pytest.raises(Forbidden):
        await schedules_of(site).run(_writer(Scope(ScopeKind.OBJECT, schedule.id)), schedule.id)
    async with site.running():
        foreign = await new_schedule(site, project=theirs.id)
        foreign = await run(site, foreign)
    assert foreign.last_run is not None
    assert foreign.last_run.results == ()
    assert await taken(site, vm.id) == {}


async def test_a_cancelled_run_is_told_and_calls_nobody(site: Site) -> None:
    async with site.running():
        await site.new_vm(tags=["kept"])
        schedule = await new_schedule(site)
    task = await site.submit(schedules_of(site).run(ADMIN, schedule.id))
    await site.db.write(lambda tx: rows.request_cancel(tx, task.id))
    async with site.running():
        assert (await site.ended(task)).state is TaskState.CANCELLED
    last = (await stored(site, schedule.id)).last_run
    assert last is not None
    assert (last.task_id, last.results) == (task.id, ())
    assert "cancelled" in last.error
    assert await alarms_of(site) == []


async def test_a_run_cancelled_while_it_takes_snapshots_is_cancelled_and_not_failed(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm(tags=["kept"])
        schedule = await new_schedule(site)
    task = await site.submit(schedules_of(site).run(ADMIN, schedule.id))
    agents = Interference(site.agents, Trouble.MEDDLED, at=0)
    async with site.running(agents) as engine:

        async def cancel() -> None:
            await site.db.write(lambda tx: rows.request_cancel(tx, task.id))
            engine.wake()
            async with asyncio.timeout(5):
                while not engine._executions[task.id].cancel_requested:
                    await asyncio.sleep(0)

        agents.meddle = cancel
        assert (await site.ended(task)).state is TaskState.CANCELLED
    assert await taken(site, vm.id) == {}
    assert await alarms_of(site) == []
    await site.require_healthy()


async def test_killed_anywhere_a_run_takes_just_one_of_each_vm_and_tells_all(site: Site) -> None:
    kind = TASK_TYPES["snapshot_schedule.run"]

    async def make() -> Stage:
        async with site.running():
            off, on = await site.new_vm(), await site.new_vm(start=True)
            schedule = await new_schedule(site, vms=[off.id, on.id], tags=[])
            await run(site, schedule)

        async def submit() -> str:
            return (await site.submit(schedules_of(site).run(ADMIN, schedule.id))).id

        async def check(task: Task) -> None:
            last = (await stored(site, schedule.id)).last_run
            assert last is not None
            assert last.task_id == task.id
            told = {one.vm_id: one for one in last.results}
            assert await names(site, off.id) == [told[off.id].snapshot]
            assert (len(told[off.id].deleted), told[off.id].errors) == (1, ())
            assert await names(site, on.id) == [*told[on.id].waiting, told[on.id].snapshot]
            assert (len(told[on.id].waiting), told[on.id].errors) == (1, ())
            await site.require_healthy()
            async with site.running():
                for vm in (off, on):
                    if vm is on:
                        await site.done(site.power.simple(ADMIN, vm.id, VmAction.KILL))
                    await site.done(site.vms.delete(ADMIN, vm.id, vm_shapes.VmDelete()))

        return Stage(site.world, submit, check, tuple(TASK_TYPES[one] for one in SNAPSHOT_TASKS))

    assert await walk(kind, Outcome(), make, pairs=2) > 3 * len(kind.steps)
