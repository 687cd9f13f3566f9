"""The manager dies at every boundary of every task type; the next one finishes or undoes, and nothing is left over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from altus.common.errors import Cancelled
from altus.manager.tasks.load import TASK_TYPES
from altus.model.task import Task, TaskState
from testbed.killer import Outcome, Stage, When, outcomes, walk
from tests.unit.manager.changes.cases import CASES, Case, Draft
from tests.unit.manager.changes.site import Site
from tests.unit.manager.changes.test_every_type import UNFINISHED, is_past_return

_PAIRS = 2


def _far(case: Case) -> list[Outcome]:
    """The two outcomes that pass every boundary: all the way forward, and all the way back."""
    undone = [outcome for outcome in outcomes(case.type) if outcome.when is When.AFTER]
    return [Outcome(), *undone[-1:]]


WALKS = [
    *(("sqlite", case, outcome) for case in CASES for outcome in outcomes(case.type)),
    *(pytest.param("postgresql", case, outcome, marks=pytest.mark.postgresql)
      for case in CASES for outcome in _far(case)),
]  # fmt: skip
"""What the engine does is the same on both databases: on the second each boundary, passed once, is enough."""


def _stage(site: Site, case: Case) -> Callable[[], Awaitable[Stage]]:
    ready: list[tuple[Callable[[], Draft], dict[str, Any]]] = []
    """What is to be asked for, and the picture before. What was undone, to the same picture, can be asked for again."""

    async def make() -> Stage:
        if not ready:
            async with site.running():
                ask = await case.prepare(site)
            ready.append((ask, await site.picture()))
        ask, before = ready[0]

        async def submit() -> str:
            return (await site.submit(ask())).id

        async def check(task: Task) -> None:
            ready.clear()
            findings = await site.findings()
            site.known.update(findings)
            if task.state is not TaskState.SUCCEEDED and is_past_return(case, task):
                assert {finding.kind for finding in findings} <= UNFINISHED, findings
                return
            assert findings == []
            if task.state is not TaskState.SUCCEEDED and case.restores:
                assert before == await site.picture()
                ready.append((ask, before))

        return Stage(site.world, submit, check, tuple(TASK_TYPES[kind] for kind in case.children))

    return make


@pytest.mark.parametrize(("db_url", "case", "outcome"), WALKS, indirect=["db_url"], ids=str)
async def test_task_survives_the_managers_death_at_every_boundary(case: Case, outcome: Outcome, any_site: Site) -> None:
    every = outcome.error is not Cancelled  # it goes a failed step's way back; the engine's own tests walk both
    died = await walk(case.type, outcome, _stage(any_site, case), pairs=_PAIRS, every=every)
    few = 3 if every else _PAIRS
    assert died >= (3 * len(case.type.steps) if outcome.when is When.NEVER else few)
