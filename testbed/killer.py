"""Kills the manager at every step of a task type and lets the next one finish: nothing may be lost, left or doubled.

    async def make_stage() -> Stage: ...          # a fresh world; the database may be an old one

    @pytest.mark.parametrize("outcome", outcomes(VM_CREATE), ids=str)
    async def test_vm_create_survives_kills(outcome):
        await walk(VM_CREATE, outcome, make_stage)

`walk` runs the task once undisturbed and notes every boundary it passes (see `Boundary`). Then it runs it again, in a
fresh stage, once per boundary: at that boundary the manager "dies", as by kill -9 (from then on it reaches neither
database nor agents, not even from `finally`), and another manager takes over. Where a step is to fail, those before it
have nothing new to show: the walk of success has passed their boundaries, so it begins at that step. At last some
seeded random pairs of any boundaries: the second manager dies too. Each time the task must end as `outcome` says, and
`Stage.check` must find the world in order.

An `Outcome` is success, or an error of one step: `before` its work, or `after` it, when all is done but the answer.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from altus.common.errors import AltusError, Cancelled, Failed
from altus.manager.agents.base import Agents, ReportProgress
from altus.manager.store import tasks as rows
from altus.manager.store.database import Database, Tx
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.engine import Engine, EngineSettings
from altus.manager.tasks.observer import Boundary
from altus.manager.tasks.run import Run, World
from altus.model.task import StepState, Task, TaskState
from altus.wire.operations import Operation

Q = TypeVar("Q")
S = TypeVar("S")
R = TypeVar("R")
_LONGEST_LIFE = 30.0
_SEED = 20261121


class KilledError(asyncio.CancelledError):
    """The manager died here. Like a cancellation, no `except Exception` catches it."""


@dataclass(frozen=True)
class Stage:
    """`submit` stores the task and returns its id; `check` asserts that the world fits the finished task; `others` are
    the types of the task's children."""

    world: World
    submit: Callable[[], Awaitable[str]]
    check: Callable[[Task], Awaitable[None]]
    others: Sequence[TaskType[Any]] = ()


class When(StrEnum):
    """When a step fails."""

    NEVER = "never"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Outcome:
    """What is to become of the task: `step` raises `error`."""

    when: When = When.NEVER
    step: str = ""
    error: type[AltusError] = Failed

    def __str__(self) -> str:
        return "success" if self.when is When.NEVER else f"{self.error.kind}-{self.when}-{self.step}"


def outcomes(kind: TaskType[Any]) -> Iterator[Outcome]:
    """All outcomes of a task type. A step that commits fails only before its work: after it, it has no right to."""
    yield Outcome()
    for step in kind.steps:
        yield Outcome(When.BEFORE, step.name)
        yield Outcome(When.BEFORE, step.name, Cancelled)
        if not step.commits:
            yield Outcome(When.AFTER, step.name)


async def walk(kind: TaskType[Any], outcome: Outcome, make_stage: Callable[[], Awaitable[Stage]],
               pairs: int = 4, *, every: bool = True) -> int:  # fmt: skip
    """Kill the manager at every boundary from the step that fails on (unless not `every`), and at `pairs` random pairs
    of all of them; returns how often it died."""
    chance = random.Random(f"{_SEED} {kind.kind} {outcome}")  # noqa: S311 - repeatable on purpose
    passed = (await trial(kind, outcome, await make_stage(), ()))[0].passed
    boundaries, died = len(passed), 0
    first = passed.index((kind.kind, outcome.step, Boundary.BEFORE_DO)) if outcome.step else 0
    for at in range(first, boundaries) if every else ():
        lives = await trial(kind, outcome, await make_stage(), (at,))
        assert lives[0].dead.is_set(), f"there is no boundary {at} any more"
        died += 1
    for _ in range(pairs):
        deaths = (chance.randrange(boundaries), chance.randrange(boundaries))
        lives = await trial(kind, outcome, await make_stage(), deaths)
        died += sum(life.dead.is_set() for life in lives)
    return died


async def trial(kind: TaskType[Any], outcome: Outcome, stage: Stage, deaths: Sequence[int]) -> list[Life]:
    """One task through as many managers as there are `deaths` (numbers of boundaries) and one more."""
    kinds = {one.kind: one for one in (*stage.others, _destined(kind, outcome))}
    task_id = await stage.submit()
    lives = [Life(at) for at in (*deaths, None)]
    for life in lives:
        await life.live(stage.world, kinds, task_id)
    task = await stage.world.db.read(lambda tx: rows.get(tx, task_id))
    story = f"{kind.kind}, {outcome}, died at {[life.last for life in lives if life.dead.is_set()]}: {task}"
    assert task.state is _expected(kind, outcome), story
    assert _is_consistent(kind, outcome, task), story
    try:
        await stage.check(task)
    except AssertionError as error:
        raise AssertionError(story) from error
    return lives


class Life:
    """One manager from its start until its task has ended or it dies at its boundary number `dies_at`."""

    def __init__(self, dies_at: int | None) -> None:
        self.dies_at = dies_at
        self.passed: list[tuple[str, str, Boundary]] = []
        self.dead = asyncio.Event()

    @property
    def last(self) -> str:
        """The boundary passed last."""
        return " ".join(self.passed[-1]) if self.passed else "the start"

    def __call__(self, task: Task, step: str, boundary: Boundary) -> None:
        """The engine's observer."""
        self.require_life()
        self.passed.append((task.kind, step, boundary))
        if self.dies_at == len(self.passed) - 1:
            self.dead.set()
            raise KilledError

    def require_life(self) -> None:
        """The dead do nothing."""
        if self.dead.is_set():
            raise KilledError

    async def live(self, world: World, kinds: dict[str, TaskType[Any]], task_id: str) -> None:
        """Run an engine on the world."""
        mortal = dataclasses.replace(world, db=MortalDatabase(world.db, self), agents=MortalAgents(world.agents, self))
        settings = EngineSettings(holder="killer", sole=True, poll_seconds=0.05, look_seconds=0.05, first_pause=0.001)
        engine = Engine(mortal, kinds, settings, observer=self)
        running = asyncio.create_task(engine.run())
        ends = [asyncio.create_task(_ended(world.db, engine, task_id)), asyncio.create_task(self.dead.wait())]
        done, _ = await asyncio.wait([running, *ends], timeout=_LONGEST_LIFE, return_when=asyncio.FIRST_COMPLETED)
        for task in (running, *ends):
            task.cancel()
        results = await asyncio.gather(running, *ends, return_exceptions=True)
        assert done, f"the task did not end; last passed: {self.last}"
        assert self.dead.is_set() or not isinstance(results[0], Exception), results[0]


class MortalDatabase(Database):
    """Another database, out of reach for a manager that died."""

    def __init__(self, real: Database, life: Life) -> None:
        self._real = real
        self._life = life
        self.url, self.is_sqlite, self.news = real.url, real.is_sqlite, real.news

    async def write(self, work: Callable[[Tx], R]) -> R:
        """As `Database.write`."""
        self._life.require_life()
        result = await self._real.write(work)
        self._life.require_life()
        return result

    async def read(self, work: Callable[[Tx], R]) -> R:
        """As `Database.read`."""
        self._life.require_life()
        result = await self._real.read(work)
        self._life.require_life()
        return result


class MortalAgents:
    """Other agents, out of reach for a manager that died."""

    def __init__(self, real: Agents, life: Life) -> None:
        self._real = real
        self._life = life

    async def call(self, host_id: str, operation: Operation[Q, S], request: Q, *, key: str = "", epoch: int = 0,
                   progress: ReportProgress | None = None) -> S:  # fmt: skip
        """As `Agents.call`."""
        self._life.require_life()
        result = await self._real.call(host_id, operation, request, key=key, epoch=epoch, progress=progress)
        self._life.require_life()
        return result

    async def cancel(self, host_id: str, key: str) -> None:
        """As `Agents.cancel`."""
        self._life.require_life()
        await self._real.cancel(host_id, key)

    async def shown(self, host_id: str) -> int:
        """As `Agents.shown`."""
        self._life.require_life()
        return await self._real.shown(host_id)

    def is_up(self, host_id: str) -> bool:
        """As `Agents.is_up`."""
        return self._real.is_up(host_id)

    async def wait_up(self, host_id: str, timeout: float) -> bool:
        """As `Agents.wait_up`."""
        return await self._real.wait_up(host_id, timeout)


async def _ended(db: Database, engine: Engine, task_id: str) -> None:
    while True:
        seen = engine.finished.count
        if (await db.read(lambda tx: rows.get(tx, task_id))).state.finished:
            return
        await engine.finished.wait(seen, 1.0)


def _destined(kind: TaskType[Any], outcome: Outcome) -> TaskType[Any]:
    """The type with the outcome built into its step."""
    steps = tuple(_failing(step, outcome) if step.name == outcome.step else step for step in kind.steps)
    return dataclasses.replace(kind, steps=steps)


def _failing(step: Step[Any], outcome: Outcome) -> Step[Any]:
    async def do(run: Run[Any]) -> None:
        if outcome.when is When.AFTER:
            await step.do(run)
        raise outcome.error("It was to fail here.", code="killer.destined")

    return dataclasses.replace(step, do=do)


def _past_return(kind: TaskType[Any], outcome: Outcome) -> bool:
    names = [step.name for step in kind.steps]
    return outcome.when is not When.NEVER and any(s.commits for s in kind.steps[: names.index(outcome.step)])


def _expected(kind: TaskType[Any], outcome: Outcome) -> TaskState:
    if outcome.when is When.NEVER:
        return TaskState.SUCCEEDED
    undone = not _past_return(kind, outcome)
    return TaskState.CANCELLED if undone and outcome.error is Cancelled else TaskState.FAILED


def _is_consistent(kind: TaskType[Any], outcome: Outcome, task: Task) -> bool:
    """Whether the record tells the same story as the state."""
    states = [record.state for record in task.trail]
    if outcome.when is When.NEVER:
        return states == [StepState.DONE] * len(kind.steps) and task.error is None and task.progress == 1.0
    if task.error is None or task.error["code"] != "killer.destined" or task.finished_at is None:
        return False
    if _past_return(kind, outcome):
        return states[:-1] == [StepState.DONE] * (len(states) - 1) and states[-1] is StepState.FAILED
    return set(states) == {StepState.UNDONE}
