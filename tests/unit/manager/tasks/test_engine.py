"""What becomes of tasks: done, refused, undone, stuck, repeated, committed."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from altus.common.errors import Conflict, Unavailable
from altus.manager.store.database import Tx
from altus.manager.store.resources import NETWORK
from altus.manager.tasks.declare import Step
from altus.manager.tasks.run import Run
from altus.model.network import NetworkState
from altus.model.task import StepState, TaskState
from tests.unit.manager.tasks.things import (
    COMMITTED,
    ONE,
    THREE,
    Build,
    Place,
    make_kind,
    make_step,
    running,
)


def _mark(state: NetworkState) -> Any:
    def write(run: Run[Build], tx: Tx) -> None:
        NETWORK.change(tx, run.args.object_id, state=state)

    return write


async def test_a_task_runs_its_steps_in_order_and_stores_their_results(any_place: Place) -> None:
    async with running(any_place) as engine:
        task = await any_place.submit(THREE, prefix="x")
        (ended,) = await any_place.until(engine, task.id)
    assert ended.state is TaskState.SUCCEEDED
    assert (ended.progress, ended.error, ended.waiting_for) == (1.0, None, "")
    assert [(r.name, r.state, r.result, r.attempts) for r in ended.trail] == [
        (name, StepState.DONE, {"made": name}, 1) for name in "abc"
    ]
    assert any_place.things.order == [("test.make", f"x/{name}") for name in "abc"]
    assert await any_place.number(task.object_id) == 3
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert ended.created_at <= ended.started_at <= ended.finished_at


async def test_a_refused_check_ends_the_task_before_any_step(place: Place) -> None:
    async def check(_run: Run[Build]) -> None:
        raise Conflict("It is too late.", code="test.late", hint="Be early.")

    kind = make_kind("test.checked", make_step("a"), check=check, on_undone=_mark(NetworkState.FAILED))
    place.kinds[kind.kind] = kind
    async with running(place) as engine:
        (ended,) = await place.until(engine, (await place.submit(kind)).id)
    assert (ended.state, ended.trail, ended.started_at) == (TaskState.FAILED, (), None)
    assert ended.error == Conflict("It is too late.", code="test.late", hint="Be early.").to_dict()
    assert not place.things.calls
    assert (await place.db.read(lambda tx: NETWORK.get(tx, ended.object_id))).state is NetworkState.FAILED


async def test_a_failing_step_has_it_and_all_before_undone_in_reverse(any_place: Place) -> None:
    any_place.things.broken["test.make", "x/c"] = 1
    kind = dataclasses.replace(THREE, on_undone=_mark(NetworkState.FAILED))
    any_place.kinds[kind.kind] = kind
    async with running(any_place) as engine:
        (ended,) = await any_place.until(engine, (await any_place.submit(THREE, prefix="x")).id)
    assert ended.state is TaskState.FAILED
    assert ended.error is not None
    assert ended.error["code"] == "thing.no_place"
    assert [r.state for r in ended.trail] == [StepState.UNDONE] * 3
    assert any_place.things.order[3:] == [("test.remove", f"x/{name}") for name in "cba"]
    assert any_place.things.made == set()
    assert await any_place.number(ended.object_id) == 0
    assert (await any_place.db.read(lambda tx: NETWORK.get(tx, ended.object_id))).state is NetworkState.FAILED


async def test_an_undo_that_fails_is_repeated(place: Place) -> None:
    place.things.broken["test.make", "x/b"] = 1
    place.things.broken["test.remove", "x/a"] = 4
    async with running(place) as engine:
        (ended,) = await place.until(engine, (await place.submit(THREE, prefix="x")).id)
    assert ended.state is TaskState.FAILED
    assert [r.state for r in ended.trail] == [StepState.UNDONE] * 2
    assert place.things.made == set()


async def test_an_undo_that_never_works_leaves_a_task_that_says_so(place: Place) -> None:
    kind = dataclasses.replace(THREE, on_stuck=_mark(NetworkState.FAILED))
    place.kinds[kind.kind] = kind
    place.things.broken["test.make", "x/c"] = 1
    place.things.broken["test.remove", "x/b"] = 99
    async with running(place) as engine:
        (ended,) = await place.until(engine, (await place.submit(THREE, prefix="x")).id)
    assert ended.state is TaskState.FAILED
    assert ended.error is not None
    assert ended.error["code"] == "task.undo_failed"
    assert ended.error["context"]["cause"]["code"] == "thing.no_place"
    assert ended.error["context"]["step"] == "b"
    assert "There is no place for x/c." in ended.error["message"]
    assert "There is no place for x/b." in ended.error["message"]
    assert [r.state for r in ended.trail] == [StepState.DONE, StepState.DONE, StepState.UNDONE]
    assert ended.trail[1].error is not None
    assert place.things.made == {"x/a", "x/b"}
    assert (await place.db.read(lambda tx: NETWORK.get(tx, ended.object_id))).state is NetworkState.FAILED


async def test_what_fails_after_a_commit_is_not_undone(place: Place) -> None:
    place.things.broken["test.make", "x/d"] = 1
    async with running(place) as engine:
        (ended,) = await place.until(engine, (await place.submit(COMMITTED, prefix="x")).id)
    assert ended.state is TaskState.FAILED
    assert [r.state for r in ended.trail] == [StepState.DONE] * 3 + [StepState.FAILED]
    assert place.things.made == {"x/a", "x/b", "x/c"}


async def test_after_a_commit_what_is_away_is_waited_for_beyond_a_steps_patience(place: Place) -> None:
    place.things.away["x/d"] = 40  # with its patience of 10 ms this step would be given up before
    async with running(place) as engine:
        (ended,) = await place.until(engine, (await place.submit(COMMITTED, prefix="x")).id)
    assert ended.state is TaskState.SUCCEEDED
    assert ended.trail[3].attempts == 41


async def test_a_step_is_repeated_while_its_host_is_away(place: Place) -> None:
    place.things.away["x/b"] = 3
    place.things.up = False
    async with running(place, progress_seconds=0.0) as engine:
        (ended,) = await place.until(engine, (await place.submit(THREE, prefix="x")).id)
    assert ended.state is TaskState.SUCCEEDED
    assert [r.attempts for r in ended.trail] == [1, 4, 1]
    assert await place.number(ended.object_id) == 3


async def test_a_step_is_given_up_and_undone_when_its_patience_ends(place: Place) -> None:
    kind = make_kind("test.hasty", make_step("a"), make_step("b", patience=0.02))
    place.kinds[kind.kind] = kind
    place.things.away["x/b"] = 99
    task = await place.submit(kind, prefix="x")

    async def come_back() -> None:
        await place.things.until(lambda: place.things.calls["test.remove", "x/b"] > 0)
        place.things.away.clear()

    async with running(place) as engine:
        returning = asyncio.create_task(come_back())
        (ended,) = await place.until(engine, task.id)
        await returning
    assert ended.state is TaskState.FAILED
    assert ended.error is not None
    assert ended.error["code"] == "host.unreachable"
    assert place.things.made == set()


async def test_a_fault_of_ours_is_told_without_its_internals(place: Place) -> None:
    async def do(_run: Run[Build]) -> None:
        raise KeyError("a secret")

    kind = make_kind("test.faulty", make_step("a"), Step("b", "Go wrong", do))
    place.kinds[kind.kind] = kind
    async with running(place) as engine:
        (ended,) = await place.until(engine, (await place.submit(kind)).id)
    assert ended.error is not None
    assert (ended.state, ended.error["kind"]) == (TaskState.FAILED, "internal")
    assert "a secret" not in str(ended.error)
    assert place.things.made == set()


async def test_a_write_that_is_refused_fails_its_step(place: Place) -> None:
    async def do(run: Run[Build]) -> None:
        def write(_tx: Tx) -> None:
            raise Conflict("Taken.", code="test.taken")

        run.write(write)

    kind = make_kind("test.refused", make_step("a"), Step("b", "Write", do), make_step("c"))
    place.kinds[kind.kind] = kind
    async with running(place) as engine:
        (ended,) = await place.until(engine, (await place.submit(kind)).id)
    assert ended.error is not None
    assert (ended.state, ended.error["code"]) == (TaskState.FAILED, "test.taken")
    assert [r.state for r in ended.trail] == [StepState.UNDONE] * 2
    assert await place.number(ended.object_id) == 0


async def test_a_refused_success_undoes_the_task_unless_its_last_step_commits(place: Place) -> None:
    def refuse(_run: Run[Build], _tx: Tx) -> None:
        raise Conflict("Not like this.", code="test.refused")

    undone = make_kind("test.undone", make_step("a"), on_success=refuse)
    stuck = make_kind("test.stuck", make_step("a", commits=True), on_success=refuse)
    place.kinds |= {undone.kind: undone, stuck.kind: stuck}
    async with running(place) as engine:
        tasks = [await place.submit(undone, prefix="x"), await place.submit(stuck, prefix="y")]
        first, second = await place.until(engine, *(task.id for task in tasks))
    assert (first.state, second.state) == (TaskState.FAILED, TaskState.FAILED)
    assert (first.progress < 1.0, first.trail[0].state) == (True, StepState.UNDONE)
    assert second.trail[0].state is StepState.FAILED
    assert place.things.made == {"y/a"}


async def test_faulty_final_writes_neither_hide_the_error_nor_stop_the_engine(place: Place) -> None:
    def explode(_run: Run[Build], _tx: Tx) -> None:
        raise ZeroDivisionError

    kind = make_kind("test.explosive", make_step("a"), on_success=explode, on_undone=explode, on_stuck=explode)
    place.kinds[kind.kind] = kind
    async with running(place) as engine:
        (ended,) = await place.until(engine, (await place.submit(kind)).id)
        (next_one,) = await place.until(engine, (await place.submit(ONE, ended.object_id)).id)
        assert engine.lease is not None
        assert engine.lease.epoch == 1
    assert ended.state is TaskState.FAILED
    assert next_one.state is TaskState.SUCCEEDED


async def test_a_task_that_cannot_be_read_fails_and_lets_others_pass(place: Place) -> None:
    unknown = await place.submit(make_kind("test.from_the_future", make_step("a")))
    other = await place.submit(ONE, unknown.object_id)
    async with running(place) as engine:
        first, second = await place.until(engine, unknown.id, other.id)
    assert first.error is not None
    assert (first.state, first.error["code"]) == (TaskState.FAILED, "task.unreadable")
    assert second.state is TaskState.SUCCEEDED


async def test_progress_is_stored_while_a_step_lasts(place: Place) -> None:
    gate = asyncio.Event()

    async def do(run: Run[Build]) -> None:
        run.report(0.5, "half of it")
        await gate.wait()

    kind = make_kind("test.slow", make_step("a"), Step("b", "Take long", do))
    place.kinds[kind.kind] = kind
    async with running(place, progress_seconds=0.0) as engine:
        task = await place.submit(kind)
        seen = await place.until_task(task.id, lambda task: task.waiting_for == "half of it")
        assert seen.progress == 0.75
        gate.set()
        (ended,) = await place.until(engine, task.id)
    assert (ended.progress, ended.waiting_for) == (1.0, "")


async def test_an_orderly_stop_leaves_the_task_to_the_next_engine(any_place: Place) -> None:
    any_place.things.hold = asyncio.Event()
    task = await any_place.submit(THREE, prefix="x")
    async with running(any_place) as engine:
        await any_place.things.until(lambda: any_place.things.calls["test.make", "x/a"] == 1)
    await engine.resign()
    assert (await any_place.task(task.id)).state is TaskState.RUNNING
    await any_place.things.release()
    async with running(any_place, sole=False) as engine:  # need not wait for the lease's end
        (ended,) = await any_place.until(engine, task.id)
    assert ended.state is TaskState.SUCCEEDED
    assert [r.attempts for r in ended.trail] == [2, 1, 1]
    assert await any_place.number(task.object_id) == 3
    assert any_place.things.epochs == sorted(any_place.things.epochs)
    assert any_place.things.epochs[-1] == 2


async def test_a_commit_without_an_answer_is_not_written_twice(place: Place) -> None:
    real, lost = place.db.write, [0]

    async def write(work: Any) -> Any:
        result = await real(work)
        counted = await place.number(task.object_id)
        if lost[0] < 2 and counted > lost[0]:
            lost[0] += 1
            raise Unavailable("The answer was lost.", code="database.unavailable")
        return result

    task = await place.submit(THREE)
    place.db.write = write  # type: ignore[method-assign]
    async with running(place) as engine:
        (ended,) = await place.until(engine, task.id)
    assert lost[0] == 2
    assert ended.state is TaskState.SUCCEEDED
    assert await place.number(task.object_id) == 3


async def test_the_journal_is_told_each_end_in_the_transaction_that_ends_it(place: Place) -> None:
    told: list[tuple[str, TaskState]] = []
    place.world = dataclasses.replace(place.world, journal=lambda _tx, task: told.append((task.id, task.state)))
    place.things.broken["test.make", "bad/b"] = 1
    async with running(place) as engine:
        tasks = [await place.submit(THREE), await place.submit(THREE, prefix="bad")]
        await place.until(engine, *(task.id for task in tasks))
    assert sorted(told) == sorted([(tasks[0].id, TaskState.SUCCEEDED), (tasks[1].id, TaskState.FAILED)])


@pytest.mark.parametrize("steps", [(), (make_step("a"), make_step("a"))])
def test_a_task_type_needs_steps_with_names_of_their_own(steps: tuple[Step[Build], ...]) -> None:
    with pytest.raises(ValueError, match=r"test\.wrong"):
        make_kind("test.wrong", *steps)
