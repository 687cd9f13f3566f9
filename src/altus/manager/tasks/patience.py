"""How often an action of a task is repeated, and when not any more."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from altus.common.errors import AltusError, Cancelled, Internal, Unavailable
from altus.manager.store.database import LeaseLostError
from altus.manager.tasks.declare import Action
from altus.manager.tasks.run import Run
from altus.model.task import StepState, Task

_log = structlog.get_logger(__name__)
_UNDO_TRIES = 5
_LONGEST = 40  # times the first pause


@dataclass
class Patience:
    """`first_pause` in seconds doubles from one repetition to the next."""

    run: Run[Any]
    first_pause: float
    turned_back: Callable[[], bool]

    async def act(self, action: Action[Any], seconds: float) -> Any:
        """Repeat while something is away, for at most `seconds`; faults of ours become `Internal`."""
        deadline, pause = time.monotonic() + seconds, self.first_pause
        while True:
            if not self.run.undoing and self.turned_back():
                raise Cancelled("The task was cancelled.", code="task.cancelled")
            try:
                return await self._attempt(action)
            except Unavailable as error:
                self.run.take_writes()
                if time.monotonic() >= deadline:
                    raise
                self.run.report(None, error.message)
                await self._wait_for(error, pause)
                pause = min(pause * 2, self.first_pause * _LONGEST)
                self.run.task = count_attempt(self.run.task)

    async def undo(self, action: Action[Any]) -> None:
        """Repeat without end while something is away, and a few times if it fails otherwise."""
        for attempt in range(1, _UNDO_TRIES + 1):
            try:
                await self.act(action, float("inf"))
            except LeaseLostError:
                raise
            except AltusError as error:
                self.run.take_writes()
                if attempt == _UNDO_TRIES:
                    raise
                _log.warning("undo failed", task=self.run.task.id, step=self.run.step_name, error=error.message)
                await asyncio.sleep(self.first_pause * 2**attempt)
            else:
                return

    async def _attempt(self, action: Action[Any]) -> Any:
        try:
            return await action(self.run)
        except AltusError:
            raise
        except Exception as error:
            _log.exception("task failed by a fault of ours", task=self.run.task.id, step=self.run.step_name)
            raise Internal(f"Step {self.run.step_name or 'check'} failed by an internal fault.",
                           hint=f"See the manager's log for task {self.run.task.id}.") from error  # fmt: skip

    async def _wait_for(self, error: Unavailable, pause: float) -> None:
        host_id = error.context.get("host_id")
        if host_id and not self.run.world.agents.is_up(host_id):
            await self.run.world.agents.wait_up(host_id, self.first_pause * _LONGEST)
        else:
            await asyncio.sleep(pause)


def count_attempt(task: Task) -> Task:
    """The task with one more attempt at its running step."""
    if not task.trail or task.trail[-1].state is not StepState.RUNNING:
        return task
    again = dataclasses.replace(task.trail[-1], attempts=task.trail[-1].attempts + 1)
    return dataclasses.replace(task, trail=(*task.trail[:-1], again))
