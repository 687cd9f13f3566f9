"""A manager that dies at any step leaves a task that the next one finishes or undoes, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from altus.common.ids import new_id
from altus.manager.store import tasks as rows
from altus.manager.store.database import Database
from altus.manager.tasks.declare import TaskType
from altus.model.task import StepState, Task, TaskState
from testbed.killer import Outcome, Stage, When, outcomes, walk
from tests.unit.manager.tasks.things import COMMITTED, ONE, PARENT, THREE, TWO, Place

CASES = [(kind, outcome) for kind in (ONE, TWO, THREE, COMMITTED) for outcome in outcomes(kind)]


def _stage(db: Database, kind: TaskType[Any]) -> Any:
    async def make() -> Stage:
        place = Place.new(db)
        stored: list[Task] = []

        async def submit() -> str:
            stored.append(await place.submit(kind))
            return stored[0].id

        async def check(task: Task) -> None:
            done = {record.name for record in task.trail if record.state is StepState.DONE}
            failed = {record.name for record in task.trail if record.state is StepState.FAILED}
            made = {name.rpartition("/")[2] for name in place.things.made}
            assert done <= made <= done | failed  # a step that failed for good may have done its work or not
            assert await place.number(task.object_id) == len(done)

        return Stage(place.world, submit, check)

    return make


@pytest.mark.parametrize(("kind", "outcome"), CASES, ids=[f"{kind.kind}-{outcome}" for kind, outcome in CASES])
async def test_a_task_survives_the_managers_death_at_every_boundary(
    kind: TaskType[Any], outcome: Outcome, db: Database
) -> None:
    died = await walk(kind, outcome, _stage(db, kind))
    assert died >= (3 * len(kind.steps) if outcome.when is When.NEVER else 3)


async def test_a_parent_and_its_children_survive_the_managers_death_at_every_boundary(db: Database) -> None:
    async def make() -> Stage:
        place = Place.new(db)
        stored: list[Task] = []

        async def submit() -> str:
            stored.append(await place.submit(PARENT, children=2, limit=2, prefix=new_id()))
            return stored[0].id

        async def check(task: Task) -> None:
            assert task.trail[1].result == [TaskState.SUCCEEDED] * 2
            assert await place.number(task.object_id) == 2 + 2 * 2
            assert len(place.things.made) == 2 + 2 * 2
            children = await db.read(lambda tx: rows.children(tx, task.id))
            assert [child.state for child in children] == [TaskState.SUCCEEDED] * 2

        return Stage(place.world, submit, check, others=(TWO,))

    assert await walk(PARENT, Outcome(), make) > 20
