"""Finding, among thousands of queued tasks, those that stand in one's way."""

from __future__ import annotations

import dataclasses

from altus.common.ids import new_id
from altus.manager.store import tasks
from altus.manager.store.database import Database
from altus.model.task import Lock, Task, TaskState, exclusive, shared


def _task(*locks: Lock) -> Task:
    return Task(id=new_id(), kind="t", title="T", noun="vm", object_id="x", arguments={}, locks=locks)


async def _competing(db: Database, *locks: Lock) -> list[str]:
    return [task.id for task in await db.read(lambda tx: tasks.competing(tx, locks))]


async def test_only_claims_that_cannot_be_held_together_compete(db: Database) -> None:
    reader, writer = _task(shared("image", "a")), _task(exclusive("vm", "b"), shared("image", "c"))
    for task in (reader, writer):
        await db.write(lambda tx, task=task: tasks.insert(tx, task))  # type: ignore[misc]
    assert await _competing(db, shared("image", "a")) == []
    assert await _competing(db, exclusive("image", "a")) == [reader.id]
    assert await _competing(db, shared("vm", "b")) == [writer.id]
    assert await _competing(db, exclusive("vm", "b"), exclusive("image", "a")) == [reader.id, writer.id]
    assert await _competing(db, exclusive("vm", "bb")) == []
    assert await _competing(db) == []


async def test_finished_tasks_do_not_compete(db: Database) -> None:
    task = await db.write(lambda tx: tasks.insert(tx, _task(exclusive("vm", "b"))))
    await db.write(lambda tx: tasks.save(tx, dataclasses.replace(task, state=TaskState.SUCCEEDED)))
    assert await _competing(db, exclusive("vm", "b")) == []
    assert await db.read(tasks.claimed) == frozenset()
