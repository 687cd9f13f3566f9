"""Rows of tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from altus.common.errors import NotFound
from altus.common.ids import new_id
from altus.manager.store import tasks as rows
from altus.manager.store.database import Database
from altus.model.query import Filter, FilterOp, ListQuery
from altus.model.resource import utc_now
from altus.model.task import StepRecord, StepState, Task, TaskState, exclusive, shared


def a_task(**fields: Any) -> Task:
    values: dict[str, Any] = {"id": new_id(), "kind": "vm.start", "title": "Start VM", "noun": "vm", "object_id": "v1"}
    arguments = {"vm_id": "v1", "size": [1, 2]}
    return Task(**(values | {"arguments": arguments, "locks": (exclusive("vm", "v1"),)} | fields))


async def test_a_task_comes_back_as_it_was_stored(db: Database) -> None:
    record = StepRecord(name="a", title="A", state=StepState.FAILED, result={"x": [1, None]}, error={"code": "e"})
    task = a_task(trail=(record,), waiting_for="ö 漢 %", progress=0.25)
    stored = await db.write(lambda tx: rows.insert(tx, task))
    assert stored.seq > 0
    assert await db.read(lambda tx: rows.get(tx, task.id)) == stored
    assert await db.read(lambda tx: rows.is_saved(tx, stored))


async def test_the_same_id_is_stored_once(db: Database) -> None:
    task = a_task()
    first = await db.write(lambda tx: rows.insert(tx, task))
    again = await db.write(lambda tx: rows.insert(tx, a_task(id=task.id, kind="other")))
    assert again == first
    with pytest.raises(NotFound):
        await db.read(lambda tx: rows.get(tx, "missing"))


async def test_saving_keeps_a_request_to_cancel(db: Database) -> None:
    task = await db.write(lambda tx: rows.insert(tx, a_task()))
    await db.write(lambda tx: rows.request_cancel(tx, task.id))
    await db.write(lambda tx: rows.save(tx, task))
    assert (await db.read(lambda tx: rows.get(tx, task.id))).cancel_requested
    assert await db.read(rows.cancel_requests) == [task.id]


async def test_progress_of_a_finished_task_is_not_written(db: Database) -> None:
    done = await db.write(lambda tx: rows.insert(tx, a_task(state=TaskState.SUCCEEDED, progress=1.0)))
    seen = db.news.count
    await db.write(lambda tx: rows.save_progress(tx, a_task(id=done.id, progress=0.5)))
    assert await db.read(lambda tx: rows.get(tx, done.id)) == done
    assert db.news.count == seen


async def test_old_tasks_are_forgotten_but_not_the_children_of_an_unfinished_one(db: Database) -> None:
    old = utc_now() - timedelta(days=90)
    parent = a_task(state=TaskState.RUNNING)
    ended = {"state": TaskState.SUCCEEDED, "finished_at": old}
    tasks = [parent, a_task(parent_id=parent.id, **ended), a_task(**ended), a_task(parent_id="gone", **ended),
             a_task(state=TaskState.SUCCEEDED, finished_at=utc_now())]  # fmt: skip
    for task in tasks:
        await db.write(lambda tx, task=task: rows.insert(tx, task))  # type: ignore[misc]
    moment = utc_now() - timedelta(days=30)
    assert await db.write(lambda tx: rows.forget_finished_before(tx, moment)) == 2
    left = await db.read(lambda tx: rows.page(tx, ListQuery(sort="seq")))
    assert [task.id for task in left.items] == [tasks[0].id, tasks[1].id, tasks[4].id]


async def test_what_tasks_claim_is_found(db: Database) -> None:
    both = (exclusive("vm", "v1"), shared("network", "n1"))
    first = await db.write(lambda tx: rows.insert(tx, a_task(locks=both)))
    await db.write(lambda tx: rows.insert(tx, a_task(locks=(exclusive("vm", "v2"),), state=TaskState.SUCCEEDED)))
    assert await db.read(rows.claimed) == {"v1", "n1"}
    assert await db.read(lambda tx: rows.claimed_since(tx, first.seq)) == {"v2"}


async def test_unfinished_tasks_are_found_by_number_object_parent_and_field(db: Database) -> None:
    first = await db.write(lambda tx: rows.insert(tx, a_task()))
    second = await db.write(lambda tx: rows.insert(tx, a_task(parent_id=first.id, state=TaskState.UNDOING)))
    await db.write(lambda tx: rows.insert(tx, a_task(state=TaskState.FAILED)))
    assert await db.read(rows.unfinished) == [first, second]
    assert await db.read(lambda tx: rows.unfinished(tx, first.seq)) == [second]
    assert await db.read(lambda tx: rows.unfinished_of(tx, "v1")) == [first, second]
    assert await db.read(lambda tx: rows.children(tx, first.id)) == [second]
    query = ListQuery(filters=(Filter("state", FilterOp.EQUAL, ("undoing",)),), sort="seq")
    assert (await db.read(lambda tx: rows.page(tx, query))).items == [second]
