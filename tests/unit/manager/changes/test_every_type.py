"""Every task type: it succeeds, is undone without a trace, and shrugs off lost answers and hosts that go and come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from altus.common.errors import Conflict
from altus.manager.services.tasks import TaskService
from altus.manager.store import tasks as rows
from altus.manager.tasks.engine import Engine
from altus.manager.tasks.load import TASK_TYPES
from altus.model.task import StepState, Task, TaskState
from tests.unit.manager.changes.cases import CASES, Case, Draft
from tests.unit.manager.changes.interference import Interference, Trouble
from tests.unit.manager.changes.site import ADMIN, Site

UNFINISHED = {"vm.unfinished", "volume.unfinished", "image.unfinished", "network.unfinished", "vm.orphan",
              "volume.leftover", "security_group.unfinished", "floating_ip.unfinished", "forward.unfinished",
              "router.unfinished", "snapshot.unfinished", "snapshot.orphan"}  # fmt: skip
"""What is found after a task that could neither go on nor back."""


def is_past_return(case: Case, task: Task) -> bool:
    """Whether the task had passed its point of no return."""
    done = [record.state is StepState.DONE for record in task.trail]
    return any(step.commits and there for step, there in zip(case.type.steps, done, strict=False))


async def family(site: Site, task: Task) -> list[Task]:
    """A task and all that it has started."""
    children = await site.db.read(lambda tx: rows.children(tx, task.id))
    return [task, *[one for child in children for one in await family(site, child)]]


async def is_stuck(site: Site, case: Case, task: Task) -> bool:
    """Whether it, or a task that it has started, failed past the point of no return."""
    if is_past_return(case, task) and not case.tells:
        return True
    for one in (await family(site, task))[1:]:
        part = Case(one.kind, one.kind, case.prepare)
        if one.state is TaskState.FAILED and is_past_return(part, one):
            return True
    return False


def test_every_task_type_has_a_case() -> None:
    assert {case.kind for case in CASES} == set(TASK_TYPES)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_success_leaves_everything_in_order(case: Case, any_site: Site) -> None:
    async with any_site.running():
        task = await any_site.done((await case.prepare(any_site))())
    await any_site.require_healthy()
    assert task.kind == case.kind
    if case.state is not None:
        assert (await any_site.vm(task.object_id)).state is case.state


async def calls_of(site: Site, case: Case) -> list[str]:
    """What the task asks of hosts when nothing goes wrong."""
    async with site.running():
        ask = await case.prepare(site)
    agents = Interference(site.agents)
    task = await site.submit(ask())
    async with site.running(agents):
        assert (await site.ended(task)).state is TaskState.SUCCEEDED
    return agents.calls


@dataclass
class Attempt:
    """How a task with trouble ended; `same`: everything is as it was before it was asked for."""

    task: Task
    same: bool
    ask: Callable[[], Draft]


async def attempt(site: Site, case: Case, trouble: Trouble, at: int, meddle: bool = False) -> Attempt:
    """Run the case with trouble at its call number `at`."""
    async with site.running():
        ask = await case.prepare(site)
    before = await site.picture()
    task = await site.submit(ask())
    agents = Interference(site.agents, trouble, at)
    async with site.running(agents) as engine:
        if meddle:
            agents.meddle = _cancelling(site, engine, task)
        task = await site.ended(task)
    return Attempt(task, before == await site.picture(), ask)


def _cancelling(site: Site, engine: Engine, task: Task) -> Callable[[], Awaitable[None]]:
    async def cancel() -> None:
        service = TaskService(site.world, site.audit, engine.wake)
        if (await site.db.read(lambda tx: rows.get(tx, task.id))).cancellable:
            await service.cancel(ADMIN, task.id)
            async with asyncio.timeout(5):
                while not engine._executions[task.id].cancel_requested:  # else a short task may end first
                    await asyncio.sleep(0)
        else:
            with pytest.raises(Conflict, match="cannot be taken back"):
                await service.cancel(ADMIN, task.id)

    return cancel


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_refused_call_is_undone_or_can_be_asked_again(case: Case, site: Site) -> None:
    for at, operation in enumerate(await calls_of(site, case)):
        tried = await attempt(site, case, Trouble.REFUSED, at)
        story = f"{operation} refused: {tried.task}"
        assert tried.task.state is TaskState.FAILED, story
        if await is_stuck(site, case, tried.task):  # no way back, but it can be asked for again
            assert {finding.kind for finding in await site.findings()} & UNFINISHED, story
            async with site.running():
                await site.done(tried.ask())
        elif case.restores:
            assert tried.same, story
        assert await site.findings() == [], story


@pytest.mark.parametrize("trouble", [Trouble.QUESTION_LOST, Trouble.ANSWER_LOST, Trouble.AWAY], ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_lost_call_is_made_good(case: Case, trouble: Trouble, site: Site) -> None:
    for at, operation in enumerate(await calls_of(site, case)):
        tried = await attempt(site, case, trouble, at)
        story = f"{operation} {trouble}: {tried.task}"
        assert tried.task.state is TaskState.SUCCEEDED, story
        if case.state is not None:
            assert (await site.vm(tried.task.object_id)).state is case.state, story
        assert await site.findings() == [], story


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_cancelled_task_is_undone_or_was_too_late(case: Case, site: Site) -> None:
    states, calls = set(), await calls_of(site, case)
    for at, operation in enumerate(calls):
        tried = await attempt(site, case, Trouble.MEDDLED, at, meddle=True)
        story = f"cancelled at {operation}: {tried.task}"
        states.add(tried.task.state)
        assert tried.task.state in (TaskState.CANCELLED, TaskState.SUCCEEDED), story
        if tried.task.state is TaskState.CANCELLED and case.restores:
            assert tried.same, story
        async with site.running(watch=True):  # a guest that was asked to stop still does, and its host says so
            await site.settled()
    cancellable = case.type.cancellable
    assert (TaskState.CANCELLED in states) == cancellable or 1 in (len(case.type.steps), len(calls))
