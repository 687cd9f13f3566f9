"""Who wants to see the engine pass its boundaries: a live trace in the log, and fault tests, to strike just there."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import structlog

from altus.model.task import Task

_log = structlog.get_logger(__name__)


class Boundary(StrEnum):
    """Moments at which the manager may die: before a step's work, after it but before its checkpoint, after that.

    `checked` and `ended` belong to the whole task.
    """

    CHECKED = "checked"
    BEFORE_DO = "before_do"
    AFTER_DO = "after_do"
    CHECKPOINTED = "checkpointed"
    BEFORE_UNDO = "before_undo"
    AFTER_UNDO = "after_undo"
    UNDONE = "undone"
    ENDED = "ended"


class Observer(Protocol):
    """Called synchronously at every boundary; `step` is empty at those of the whole task."""

    def __call__(self, task: Task, step: str, boundary: Boundary) -> None: ...


def trace(task: Task, step: str, boundary: Boundary) -> None:
    """The default observer: a structured log line."""
    _log.debug("task step", task=task.id, kind=task.kind, step=step, boundary=boundary)
