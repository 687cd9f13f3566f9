"""Which tasks run when: locks, order, limits, cancelling, children."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools

from altus.common.ids import new_id
from altus.manager.store import tasks as rows
from altus.manager.tasks.declare import Step
from altus.manager.tasks.run import Run
from altus.model.task import StepState, Task, TaskState
from tests.unit.manager.tasks.things import (
    COMMITTED,
    ONE,
    PARENT,
    THREE,
    TWO,
    Build,
    Place,
    child_of,
    make_kind,
    make_step,
    running,
)


async def _cancel(place: Place, task: Task) -> None:
    await place.db.write(lambda tx: rows.request_cancel(tx, task.id))


async def test_fifty_tasks_on_one_object_run_one_at_a_time_in_order_while_others_run_beside(any_place: Place) -> None:
    busy = await any_place.new_object()
    queued = [await any_place.submit(ONE, busy, prefix=f"q{number}") for number in range(50)]
    others = [await any_place.submit(ONE, prefix=f"o{number}") for number in range(10)]
    async with running(any_place) as engine:
        ended = await any_place.until(engine, *(task.id for task in [*queued, *others]))
    assert {task.state for task in ended} == {TaskState.SUCCEEDED}
    mine = [name for _, name in any_place.things.order if name.startswith("q")]
    assert mine == [f"q{number}/a" for number in range(50)]
    spans = [(task.started_at, task.finished_at) for task in ended[:50]]
    for (_, end), (start, _) in itertools.pairwise(spans):
        assert end is not None
        assert start is not None
        assert end <= start
    assert await any_place.number(busy) == 50
    last = max(any_place.things.order.index(("test.make", f"o{number}/a")) for number in range(10))
    assert last < any_place.things.order.index(("test.make", "q20/a"))


async def test_shared_locks_are_held_together_and_an_exclusive_one_alone(place: Place) -> None:
    place.things.hold = asyncio.Event()
    network = await place.new_object()
    readers = [await place.submit(ONE, network, share=True) for _ in range(3)]
    writer = await place.submit(ONE, network)
    late = await place.submit(ONE, network, share=True)
    async with running(place) as engine:
        await place.things.until(lambda: place.things.running == 3)
        assert engine.blockers(writer.id) == [task.id for task in readers]
        assert engine.blockers(late.id) == [writer.id]
        assert engine.blockers(readers[0].id) == []
        await place.things.release()
        ended = await place.until(engine, writer.id, late.id)
    assert ended[0].finished_at is not None
    assert ended[1].started_at is not None
    assert ended[0].finished_at <= ended[1].started_at


async def test_no_more_tasks_run_than_may_and_the_oldest_start_first(place: Place) -> None:
    place.things.hold = asyncio.Event()
    tasks = [await place.submit(ONE, prefix=f"t{number}") for number in range(9)]
    async with running(place, max_running=4) as engine:
        await place.things.until(lambda: place.things.running == 4)
        await place.things.release()
        await place.until(engine, *(task.id for task in tasks))
    assert place.things.most_running == 4
    assert [name for _, name in place.things.order[:4]] == [f"t{number}/a" for number in range(4)]


async def test_a_queued_task_is_cancelled_at_once_though_its_turn_has_not_come(place: Place) -> None:
    place.things.hold = asyncio.Event()
    network = await place.new_object()
    first, second, third = [await place.submit(ONE, network, prefix=name) for name in "abc"]
    async with running(place) as engine:
        await place.things.until(lambda: place.things.running == 1)
        await _cancel(place, second)
        engine.wake()
        (ended,) = await place.until(engine, second.id)
        assert (ended.state, ended.trail) == (TaskState.CANCELLED, ())
        await place.things.release()
        after = await place.until(engine, first.id, third.id)
    assert [task.state for task in after] == [TaskState.SUCCEEDED] * 2
    assert ("test.make", "b/a") not in place.things.order


async def test_a_running_task_is_broken_off_and_undone(any_place: Place) -> None:
    any_place.things.hold = asyncio.Event()
    task = await any_place.submit(THREE, prefix="x")
    async with running(any_place) as engine:
        await any_place.things.until(lambda: any_place.things.running == 1)
        await _cancel(any_place, task)
        engine.wake()
        (ended,) = await any_place.until(engine, task.id)
    assert ended.state is TaskState.CANCELLED
    assert ended.cancel_requested
    assert [record.state for record in ended.trail] == [StepState.UNDONE]
    assert any_place.things.made == set()


async def test_a_task_that_waits_for_an_absent_host_can_be_cancelled(place: Place) -> None:
    place.things.away["x/b"] = 10**9
    task = await place.submit(THREE, prefix="x")
    async with running(place) as engine:
        await place.things.until(lambda: place.things.calls["test.make", "x/b"] > 2)
        await _cancel(place, task)
        engine.wake()

        async def come_back() -> None:
            await place.things.until(lambda: place.things.calls["test.remove", "x/b"] > 0)
            place.things.away.clear()

        returning = asyncio.create_task(come_back())
        (ended,) = await place.until(engine, task.id)
        await returning
    assert ended.state is TaskState.CANCELLED
    assert place.things.made == set()


async def test_a_task_past_its_commit_cannot_be_cancelled(place: Place) -> None:
    gate = asyncio.Event()

    async def wait(_run: Run[Build]) -> None:
        await gate.wait()

    kind = make_kind("test.past", make_step("a", commits=True), Step("wait", "Wait", wait), make_step("z"))
    place.kinds[kind.kind] = kind
    task = await place.submit(kind)
    async with running(place) as engine:
        await place.until_task(task.id, lambda task: len(task.trail) == 2)
        await _cancel(place, task)
        engine.wake()
        other = await place.submit(ONE)
        await place.until(engine, other.id)
        gate.set()
        (ended,) = await place.until(engine, task.id)
    assert ended.state is TaskState.SUCCEEDED


async def test_a_task_type_that_is_not_cancellable_goes_on(place: Place) -> None:
    kind = make_kind("test.stubborn", make_step("a"), make_step("b"), cancellable=False)
    place.kinds[kind.kind] = kind
    place.things.hold = asyncio.Event()
    task = await place.submit(kind)
    async with running(place) as engine:
        await place.things.until(lambda: place.things.running == 1)
        await _cancel(place, task)
        engine.wake()
        await place.things.release()
        (ended,) = await place.until(engine, task.id)
    assert ended.state is TaskState.SUCCEEDED


async def test_a_cancelled_task_is_undone_by_the_next_engine(place: Place) -> None:
    place.things.hold = asyncio.Event()
    task = await place.submit(COMMITTED, prefix="x")
    async with running(place):
        await place.things.until(lambda: place.things.running == 1)
    await _cancel(place, task)
    await place.things.release()
    async with running(place) as engine:
        (ended,) = await place.until(engine, task.id)
    assert ended.state is TaskState.CANCELLED
    assert place.things.made == set()


async def test_a_finished_task_is_not_touched_by_a_request_to_cancel(place: Place) -> None:
    task = await place.submit(ONE)
    async with running(place) as engine:
        (ended,) = await place.until(engine, task.id)
    await _cancel(place, task)
    assert await place.task(task.id) == ended


async def test_children_run_at_most_so_many_at_once_and_are_waited_for(any_place: Place) -> None:
    task = await any_place.submit(PARENT, share=True, children=5, limit=2, prefix="p")
    async with running(any_place, max_running=1) as engine:
        (ended,) = await any_place.until(engine, task.id)
    assert ended.state is TaskState.SUCCEEDED
    assert ended.trail[1].result == ["succeeded"] * 5
    children = [task for task in await any_place.tasks() if task.parent_id]
    assert [child.id for child in children] == [child_of(task, number, TWO).id for number in range(5)]
    assert any_place.things.most_running <= 2
    assert await any_place.number(task.object_id) == 12


async def test_a_parent_that_is_taken_over_finds_the_children_it_has(any_place: Place) -> None:
    task = await any_place.submit(PARENT, children=4, limit=2, prefix="p")
    async with running(any_place):
        await any_place.things.until(lambda: "p/a" in any_place.things.made)
        any_place.things.hold = asyncio.Event()
        await any_place.things.until(lambda: any_place.things.running == 2)
    await any_place.things.release()
    async with running(any_place) as engine:
        (ended,) = await any_place.until(engine, task.id)
    assert ended.state is TaskState.SUCCEEDED
    children = [task for task in await any_place.tasks() if task.parent_id]
    assert len(children) == 4
    assert {child.state for child in children} == {TaskState.SUCCEEDED}
    assert await any_place.number(task.object_id) == 2 + 4 * 2


async def test_cancelling_a_parent_cancels_its_children_and_submits_no_more(place: Place) -> None:
    task = await place.submit(PARENT, children=6, limit=2, prefix="p")
    async with running(place) as engine:
        await place.things.until(lambda: "p/a" in place.things.made)
        place.things.hold = asyncio.Event()
        await place.things.until(lambda: place.things.running >= 2)
        await _cancel(place, task)
        engine.wake()
        (ended,) = await place.until(engine, task.id)
    assert ended.state is TaskState.CANCELLED
    children = [task for task in await place.tasks() if task.parent_id]
    assert 2 <= len(children) < 6
    assert all(child.state.finished for child in children)
    assert TaskState.CANCELLED in {child.state for child in children}


async def test_parents_whose_children_need_what_the_other_holds_do_not_wait_for_ever(place: Place) -> None:
    """Two hosts are emptied onto each other: each parent holds its host, and its child needs the other one."""
    left, right = await place.new_object(), await place.new_object()
    both_hold = asyncio.Barrier(2)

    async def cross(run: Run[Build]) -> list[str]:
        await both_hold.wait()
        other = right if run.args.object_id == left else left
        crossing = dataclasses.replace(child_of(run.task, 0), locks=tuple(ONE.locks(Build(other, ""))))
        (ended,) = await run.run_children([crossing])
        return [ended.state, (ended.error or {}).get("code", "")]

    kind = make_kind("test.cross", Step("cross", "Cross", cross))
    place.kinds[kind.kind] = kind
    tasks = [await place.submit(kind, one, prefix=new_id()) for one in (left, right)]
    async with running(place) as engine:
        ended = await place.until(engine, *(task.id for task in tasks))
    assert sorted(task.trail[0].result for task in ended) == [["failed", "task.deadlock"], ["succeeded", ""]]
