"""One task from where it stands to its end: check, steps forward, or undo backward. After a kill it goes on here."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from altus.common.errors import AltusError, Cancelled, Failed
from altus.manager.store.database import LeaseLostError, Tx
from altus.manager.tasks.declare import Step, TaskType, Write
from altus.manager.tasks.observer import Boundary, Observer
from altus.manager.tasks.patience import Patience, count_attempt
from altus.manager.tasks.run import Run
from altus.model.resource import utc_now
from altus.model.task import StepRecord, StepState, Task, TaskState

Save = Callable[[Task, Sequence[Callable[[Tx], Any]]], Awaitable[None]]
_log = structlog.get_logger(__name__)
_CHECK_PATIENCE = 60.0


class Execution:
    """Runs one task. `save` writes the task and other objects in one transaction under the manager's lease.

    With a `refusal` a queued task ends at once with this error.
    """

    def __init__(self, run: Run[Any], kind: TaskType[Any], save: Save, observer: Observer, *,
                 first_pause: float = 0.05, refusal: AltusError | None = None) -> None:  # fmt: skip
        self.run = run
        self.kind = kind
        self.cancel_requested = run.task.cancel_requested
        self._save = save
        self._observe = observer
        self._refusal = refusal
        self._patience = Patience(run, first_pause, self._turns_back)

    @property
    def task(self) -> Task:
        """The task as last saved or about to be."""
        return self.run.task

    async def go(self) -> Task:
        """Work until the task is finished; returns it."""
        if self.task.state is TaskState.QUEUED:
            await self._begin()
        elif self.task.state is TaskState.RUNNING:
            self.run.task = count_attempt(self.task)
        if self.task.state is TaskState.RUNNING:
            await self._forward()
        if self.task.state is TaskState.UNDOING:
            await self._backward()
        self._observe(self.task, "", Boundary.ENDED)
        return self.task

    async def cancel(self) -> None:
        """End the task as soon as that is possible: break off the running step unless it is past undoing."""
        self.cancel_requested = True
        if self._turns_back():
            await self.run.break_off()

    # Forward

    async def _begin(self) -> None:
        try:
            if self._refusal is not None:
                raise self._refusal
            await self._patience.act(self.kind.check, _CHECK_PATIENCE)
            self._observe(self.task, "", Boundary.CHECKED)
        except LeaseLostError:
            raise
        except AltusError as error:
            await self._finish_undone(error)
            return
        self.run.take_writes()
        first = self._record(self.kind.steps[0])
        self._set(state=TaskState.RUNNING, started_at=utc_now(), trail=(first,), waiting_for="")
        await self._checkpoint()

    async def _forward(self) -> None:
        for index, step in enumerate(self.kind.steps):
            if self.task.trail[index].state is StepState.DONE:
                continue
            try:
                if self._turns_back():
                    raise Cancelled("The task was cancelled.", code="task.cancelled")
                await self._do(index, step)
            except LeaseLostError:
                raise
            except AltusError as error:
                await self._fail(index, error)
                return

    async def _do(self, index: int, step: Step[Any]) -> None:
        """One step and its checkpoint, which for the last step is the task's end."""
        self.run.step_name, self.run.cancelling = step.name, False
        self._observe(self.task, step.name, Boundary.BEFORE_DO)
        result = await self._patience.act(step.do, float("inf") if self._committed(index) else step.patience)
        self._observe(self.task, step.name, Boundary.AFTER_DO)
        before, count = self.task, len(self.kind.steps)
        done = dataclasses.replace(before.trail[index], state=StepState.DONE, result=result, finished_at=utc_now())
        following = [self._record(following) for following in self.kind.steps[index + 1 : index + 2]]
        trail = (*before.trail[:index], done, *following)
        self._set(trail=trail, progress=(index + 1) / count, waiting_for="")
        if not following:
            self._set(state=TaskState.SUCCEEDED, finished_at=utc_now())
            self._write(self.kind.on_success)
        try:
            await self._checkpoint()
        except AltusError:
            self._set(state=before.state, progress=before.progress, finished_at=None)
            raise
        self._observe(self.task, step.name, Boundary.CHECKPOINTED)

    async def _fail(self, index: int, error: AltusError) -> None:
        """Turn round, or stop for good where there is no way back."""
        self.run.take_writes()
        failing = self.task.trail[index]
        passed = index + (failing.state is StepState.DONE)  # done, but its checkpoint was refused
        record = dataclasses.replace(failing, state=StepState.FAILED, error=error.to_dict(), finished_at=utc_now())
        trail = (*self.task.trail[:index], record)
        if self._committed(passed):
            await self._finish_stuck(error, trail)
            return
        self._set(state=TaskState.UNDOING, error=error.to_dict(), trail=trail, waiting_for="")
        await self._checkpoint()

    # Backward

    async def _backward(self) -> None:
        self.run.undoing = True
        for index in reversed(range(len(self.task.trail))):
            if self.task.trail[index].state is StepState.UNDONE:
                continue
            try:
                await self._undo(index, self.kind.steps[index])
            except LeaseLostError:
                raise
            except AltusError as error:
                self.run.take_writes()
                record = dataclasses.replace(self.task.trail[index], error=error.to_dict())
                trail = (*self.task.trail[:index], record, *self.task.trail[index + 1 :])
                await self._finish_stuck(self._not_undone(self.task.error, error), trail)
                return
        await self._finish_undone(None)

    async def _undo(self, index: int, step: Step[Any]) -> None:
        self.run.step_name = step.name
        if step.undo is not None:
            self._observe(self.task, step.name, Boundary.BEFORE_UNDO)
            await self._patience.undo(step.undo)
            self._observe(self.task, step.name, Boundary.AFTER_UNDO)
        before = self.task.trail
        undone = dataclasses.replace(before[index], state=StepState.UNDONE, finished_at=utc_now())
        self._set(trail=(*before[:index], undone, *before[index + 1 :]), waiting_for="")
        try:
            await self._checkpoint()
        except AltusError:
            self._set(trail=before)
            raise
        self._observe(self.task, step.name, Boundary.UNDONE)

    # Ends

    async def _finish_undone(self, error: AltusError | None) -> None:
        """The end of a task of which nothing is left but its record."""
        before = self.task
        described = error.to_dict() if error is not None else before.error
        state = TaskState.CANCELLED if (described or {}).get("kind") == Cancelled.kind else TaskState.FAILED
        self._set(state=state, error=described, waiting_for="", finished_at=utc_now())
        self._write(self.kind.on_undone)
        try:
            await self._checkpoint()
        except LeaseLostError:
            raise
        except AltusError as refused:
            await self._finish_stuck(self._not_undone(described, refused), before.trail)

    async def _finish_stuck(self, error: AltusError, trail: tuple[StepRecord, ...]) -> None:
        """The end of a task that can neither go on nor back: it says so, and its objects say so."""
        self._set(state=TaskState.FAILED, error=error.to_dict(), trail=trail, waiting_for="", finished_at=utc_now())
        self._write(self.kind.on_stuck)
        try:
            await self._checkpoint()
        except LeaseLostError:
            raise
        except AltusError:
            _log.exception("the objects of a failed task could not be marked", task=self.task.id, kind=self.kind.kind)
            await self._checkpoint()

    def _not_undone(self, cause: dict[str, Any] | None, error: AltusError) -> AltusError:
        why = (cause or {}).get("message", "The task failed.")
        step = next((s.title for s in self.kind.steps if s.name == self.run.step_name), self.kind.title)
        return Failed(f"{why} It could not be undone: {step}: {error.message}", code="task.undo_failed",
                      hint=error.hint, step=self.run.step_name, cause=cause, undo=error.to_dict())  # fmt: skip

    # Small things

    async def _checkpoint(self) -> None:
        await self._save(self.task, self.run.take_writes())

    def _write(self, work: Write[Any]) -> None:
        self.run.write(lambda tx: work(self.run, tx))

    def _turns_back(self) -> bool:
        """Whether somebody wants the task to end and it still can; told to the running step too."""
        done = sum(record.state is StepState.DONE for record in self.task.trail)
        possible = self.task.cancellable or self.task.state is TaskState.QUEUED
        turns = self.cancel_requested and possible and not self.run.undoing and not self._committed(done)
        self.run.cancelling = turns
        return turns

    def _committed(self, index: int) -> bool:
        return any(step.commits for step in self.kind.steps[:index])

    def _record(self, step: Step[Any]) -> StepRecord:
        return StepRecord(name=step.name, title=step.title)

    def _set(self, **fields: Any) -> None:
        self.run.task = dataclasses.replace(self.run.task, **fields)
