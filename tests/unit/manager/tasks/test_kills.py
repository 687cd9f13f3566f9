"""A manager that dies at any step leaves a task that the next one finishes or undoes, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from altus.manager.store.database import Database
from altus.manager.tasks.declare import TaskType
from altus.model.task import StepState, Task
from testbed.killer import Outcome, Stage, When, outcomes, walk
from tests.unit.manager.tasks.things import COMMITTED, ONE, THREE, TWO, Place

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
