"""One task from where it stands to its end: check, steps forward, or undo backward. After a kill it goes on here."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from altus.common.errors import AltusError, Cancelled, Internal, Unavailable
from altus.manager.store.database import LeaseLostError, Tx
from altus.manager.tasks.declare import Action, Step, TaskType
from altus.manager.tasks.observer import Boundary, Observer
from altus.manager.tasks.run import Run
from altus.model.resource import utc_now
from altus.model.task import StepRecord, StepState, Task, TaskState

Save = Callable[[Task, Sequence[Callable[[Tx], Any]]], Awaitable[None]]
_log = structlog.get_logger(__name__)
_UNDO_TRIES = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


class Execution:
    """Runs one task. `save` writes the task and other objects in one transaction under the manager's lease."""

    def __init__(self, run: Run[Any], kind: TaskType[Any], save: Save, observer: Observer) -> None:
        self.run = run
        self.kind = kind
        self._save = save
        self._observe = observer
        self.cancel_requested = run.task.cancel_requested

    @property
    def task(self) -> Task:
        """The task as last saved or about to be."""
        return self.run.task

    async def go(self) -> Task:
        """Work until the task is finished; returns it."""
        if self.task.state is TaskState.QUEUED:
            await self._begin()
        if self.task.state is TaskState.RUNNING:
            await self._forward()
        if self.task.state is TaskState.UNDOING:
            await self._backward()
        return self.task

    async def cancel(self) -> None:
        """End the task as soon as that is possible: break off the running step unless it is past undoing."""
        self.cancel_requested = True
        if self._can_turn_back():
            await self.run.break_off()

    async def _begin(self) -> None:
        try:
            if self.cancel_requested:
                raise Cancelled("The task was cancelled before it began.", code="task.cancelled")
            await self._patiently(self.kind.check, 60.0)
        except AltusError as error:
            _reraise_lease_loss(error)
            await self._finish_undone(error)
            return
        first = self._record(self.kind.steps[0])
        self._set(state=TaskState.RUNNING, started_at=utc_now(), trail=(first,), waiting_for="")
        await self._checkpoint()

    async def _forward(self) -> None:
        for index, step in enumerate(self.kind.steps):
            if index < len(self.task.trail) and self.task.trail[index].state is StepState.DONE:
                continue
            try:
                if self.cancel_requested and self._can_turn_back():
                    raise Cancelled("The task was cancelled.", code="task.cancelled")
                await self._do(index, step)
            except AltusError as error:
                _reraise_lease_loss(error)
                await self._fail(index, error)
                return
        running = self.task
        self._set(state=TaskState.SUCCEEDED, progress=1.0, waiting_for="", finished_at=utc_now())
        self.run.write(lambda tx: self.kind.on_success(self.run, tx))
        try:
            await self._checkpoint()
        except AltusError as error:
            _reraise_lease_loss(error)
            self.run.task = running
            await self._fail(len(self.kind.steps) - 1, error)

    async def _do(self, index: int, step: Step[Any]) -> None:
        self.run.step_name = step.name
        self._observe(self.task, step.name, Boundary.BEFORE_DO)
        patience = float("inf") if self._committed_before(index) else step.patience
        result = await self._patiently(step.do, patience)
        self._observe(self.task, step.name, Boundary.AFTER_DO)
        done = dataclasses.replace(self.task.trail[index], state=StepState.DONE, result=result, finished_at=utc_now())
        trail = (*self.task.trail[:index], done)
        if index + 1 < len(self.kind.steps):
            trail = (*trail, self._record(self.kind.steps[index + 1]))
        self._set(trail=trail, progress=(index + 1) / len(self.kind.steps), waiting_for="")
        if index + 1 < len(self.kind.steps):  # the last step's checkpoint is the task's end
            await self._checkpoint()
            self._observe(self.task, step.name, Boundary.CHECKPOINTED)

    async def _fail(self, index: int, error: AltusError) -> None:
        """Turn round, or stop for good where there is no way back."""
        self.run.take_writes()
        record = dataclasses.replace(
            self.task.trail[index], state=StepState.FAILED, error=error.to_dict(), finished_at=utc_now()
        )
        trail = (*self.task.trail[:index], record)
        if self._committed_before(index):
            await self._finish_stuck(error, trail)
            return
        self._set(state=TaskState.UNDOING, error=error.to_dict(), trail=trail, waiting_for="")
        await self._checkpoint()

    async def _backward(self) -> None:
        self.run.undoing = True
        for index in reversed(range(len(self.task.trail))):
            if self.task.trail[index].state is StepState.UNDONE:
                continue
            step = self.kind.steps[index]
            self.run.step_name = step.name
            if step.undo is not None:
                self._observe(self.task, step.name, Boundary.BEFORE_UNDO)
                try:
                    await self._undo(step.undo)
                except AltusError as error:
                    _reraise_lease_loss(error)
                    await self._finish_stuck(error, self.task.trail)
                    return
                self._observe(self.task, step.name, Boundary.AFTER_UNDO)
            undone = dataclasses.replace(self.task.trail[index], state=StepState.UNDONE, finished_at=utc_now())
            self._set(trail=(*self.task.trail[:index], undone, *self.task.trail[index + 1 :]), waiting_for="")
            await self._checkpoint()
        await self._finish_undone(None)

    async def _undo(self, action: Action[Any]) -> None:
        for attempt in range(1, _UNDO_TRIES + 1):
            try:
                await self._patiently(action, float("inf"))
            except AltusError as error:
                self.run.take_writes()
                if attempt == _UNDO_TRIES or isinstance(error, LeaseLostError):
                    raise
                _log.warning("undo failed", task=self.task.id, step=self.run.step_name, error=error.message)
                await asyncio.sleep(_FIRST_PAUSE * 2**attempt)
            else:
                return

    async def _patiently(self, action: Action[Any], patience: float) -> Any:
        """Repeat while something is away, for at most `patience` seconds; faults of ours become `Internal`."""
        deadline, pause = time.monotonic() + patience, _FIRST_PAUSE
        while True:
            try:
                return await action(self.run)
            except LeaseLostError:
                raise
            except Unavailable as error:
                self.run.take_writes()
                turned = self.cancel_requested and not self.run.undoing and self._can_turn_back()
                if turned or time.monotonic() >= deadline:
                    raise
                self.run.report(None, error.message)
                await self._wait_for(error, pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            except AltusError:
                raise
            except Exception as error:
                _log.exception("task failed by a fault of ours", task=self.task.id, step=self.run.step_name)
                raise Internal(f"Step {self.run.step_name or 'check'} failed by an internal fault.",
                               hint=f"See the manager's log for task {self.task.id}.") from error  # fmt: skip

    async def _wait_for(self, error: Unavailable, pause: float) -> None:
        host_id = error.context.get("host_id")
        if host_id and not self.run.world.agents.is_up(host_id):
            await self.run.world.agents.wait_up(host_id, _LONGEST_PAUSE)
        else:
            await asyncio.sleep(pause)

    async def _finish_undone(self, error: AltusError | None) -> None:
        """The end of a task of which nothing is left but its record."""
        described = error.to_dict() if error is not None else self.task.error
        state = TaskState.CANCELLED if (described or {}).get("kind") == Cancelled.kind else TaskState.FAILED
        self._set(state=state, error=described, waiting_for="", finished_at=utc_now())
        self.run.write(lambda tx: self.kind.on_undone(self.run, tx))
        await self._checkpoint()

    async def _finish_stuck(self, error: AltusError, trail: tuple[StepRecord, ...]) -> None:
        """The end of a task that can neither go on nor back: it says so, and its objects say so."""
        self._set(state=TaskState.FAILED, error=error.to_dict(), trail=trail, waiting_for="", finished_at=utc_now())
        self.run.write(lambda tx: self.kind.on_stuck(self.run, tx))
        await self._checkpoint()

    async def _checkpoint(self) -> None:
        await self._save(self.task, self.run.take_writes())

    def _can_turn_back(self) -> bool:
        done = sum(record.state is StepState.DONE for record in self.task.trail)
        return self.kind.cancellable and not self._committed_before(done)

    def _committed_before(self, index: int) -> bool:
        return any(step.commits for step in self.kind.steps[:index])

    def _record(self, step: Step[Any]) -> StepRecord:
        return StepRecord(name=step.name, title=step.title)

    def _set(self, **fields: Any) -> None:
        self.run.task = dataclasses.replace(self.run.task, **fields)


def _reraise_lease_loss(error: AltusError) -> None:
    if isinstance(error, LeaseLostError):
        raise error
