"""Walks a task of the real system through one kill after another, and names the last one if something goes wrong.

One run of a task has its target killed at every boundary in turn, once each: after every kill the harness starts what
died, and the task must get to its next boundary, and at last to its end, within the product's own bar (see `patience`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator, Sequence
from enum import StrEnum
from subprocess import CalledProcessError
from typing import Any

from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.observer import Boundary
from altus.model.task import TaskState
from altus.wire.tasks import TaskView
from devkit.services import ServiceError
from testbed.administrator import Administrator
from testbed.patience import until
from testbed.strikes import DESTINED, MANAGER, QEMU, Plan, Strike

_MIDST = 0.03
_LOOK = 0.05


class Course(StrEnum):
    """Where a walk goes: through all boundaries of the way forward, into the midst of every step, or back again."""

    FORWARD = "forward"
    MIDST = "midst"
    BACK = "back"


def way_back(kind: TaskType[Any]) -> tuple[Step[Any], ...]:
    """The steps that can be undone: those before the first that commits."""
    commits = next((index for index, step in enumerate(kind.steps) if step.commits), len(kind.steps))
    return kind.steps[:commits]


def plan(kind: TaskType[Any], course: Course, target: str) -> Plan:
    """Every strike of a walk; on the way back the last step that may fails after its work."""
    strikes = tuple(Strike(kind.kind, step, boundary, target, after) for step, boundary, after in
                    _points(kind, course, target))  # fmt: skip
    return Plan(strikes, kind.kind, way_back(kind)[-1].name if course is Course.BACK else "")


def _points(kind: TaskType[Any], course: Course, target: str) -> Iterator[tuple[str, str, float]]:
    """The manager's own death matters at every boundary, that of others where somebody is about to need them."""
    whole = target == MANAGER
    if course is Course.BACK:
        for step in reversed(way_back(kind)):
            if step.undo is not None:
                yield step.name, Boundary.BEFORE_UNDO, 0.0
                yield step.name, Boundary.AFTER_UNDO, 0.0
            if whole:
                yield step.name, Boundary.UNDONE, 0.0
        return
    if course is Course.FORWARD and whole:
        yield "", Boundary.CHECKED, 0.0
    for step in kind.steps:
        if course is Course.MIDST:
            yield step.name, Boundary.BEFORE_DO, _MIDST
            continue
        yield step.name, Boundary.BEFORE_DO, 0.0
        yield step.name, Boundary.AFTER_DO, 0.0
        if whole:
            yield step.name, Boundary.CHECKPOINTED, 0.0


class Walk:
    """One task on its way. `outcomes` are the ends it may have."""

    def __init__(self, admin: Administrator, plan: Plan, outcomes: frozenset[TaskState]) -> None:
        self._admin = admin
        self._plan = plan
        self._outcomes = outcomes

    async def go(self, change: Awaitable[TaskView]) -> TaskView:
        """Ask for the change and see it through; the finished task."""
        system = self._admin.system
        await asyncio.to_thread(system.strikes.write, self._plan)
        targets = sorted({strike.target for strike in self._plan.strikes} - {QEMU})
        over = asyncio.Event()
        reviving = asyncio.create_task(self._revive(targets, over))
        try:
            task, survived = await change, -1
            while not task.state.finished:
                seen = len(system.strikes.begun())
                task, survived = await self._next(task, survived), seen
            await until(self._all_over, "every strike that began is over")
        finally:
            over.set()
            await reviving
        self._judge(task)
        await asyncio.to_thread(system.strikes.write, Plan())  # what comes after the walk is not struck
        return task

    async def _revive(self, targets: Sequence[str], over: asyncio.Event) -> None:
        """Start what died, at once, for as long as the walk goes on, and once more when it is over."""
        system = self._admin.system
        while not over.is_set():
            with contextlib.suppress(ServiceError, CalledProcessError):  # struck again before it answered
                await asyncio.to_thread(system.start, *(name for name in targets if system.pid(name) is None))
            await asyncio.sleep(_LOOK)
        await asyncio.to_thread(system.start, *targets)

    async def _next(self, task: TaskView, survived: int) -> TaskView:
        """Until the task has ended or was struck once more."""
        strikes = self._admin.system.strikes

        async def look() -> TaskView | None:
            found = await self._admin.altus.tasks.get(task.id)
            return found if found.state.finished or len(strikes.begun()) > survived else None

        try:
            return await until(look, "the task goes on")
        except AssertionError as error:
            now = await self._admin.altus.tasks.get(task.id)
            raise AssertionError(f"{self._story()}: {error}: {now!r}") from None

    async def _all_over(self) -> bool:
        own = {number for number, strike in enumerate(self._plan.strikes) if strike.target == MANAGER}
        strikes = self._admin.system.strikes
        return strikes.begun() <= strikes.done() | own

    def _judge(self, task: TaskView) -> None:
        story = f"{self._story()}: {task!r}"
        assert task.state in self._outcomes, story
        if task.state is TaskState.FAILED and self._plan.fails:
            assert task.error is not None, story
            assert task.error["code"] == DESTINED, story
        if task.state is TaskState.SUCCEEDED:
            missed = set(range(len(self._plan.strikes))) - self._admin.system.strikes.begun()
            assert not missed, f"never came to {[str(self._plan.strikes[number]) for number in sorted(missed)]}"

    def _story(self) -> str:
        begun = sorted(self._admin.system.strikes.begun())
        return f"after {[str(self._plan.strikes[number]) for number in begun]}" if begun else "before any strike"
