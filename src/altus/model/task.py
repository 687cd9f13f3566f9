"""Tasks: every change as a durable value (row O1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from altus.model.resource import utc_now


class TaskState(StrEnum):
    """`queued` → `running` → `succeeded`, or through `undoing` to `failed` or `cancelled`."""

    QUEUED = "queued"
    RUNNING = "running"
    UNDOING = "undoing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether nothing will happen any more."""
        return self in (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED)


class StepState(StrEnum):
    """What became of one step."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


class LockMode(StrEnum):
    """Shared locks of one resource are held together; an exclusive one alone."""

    SHARED = "shared"
    EXCLUSIVE = "exclusive"


@dataclass(frozen=True, order=True)
class Lock:
    """A claim on a resource, named `noun:id`."""

    resource: str
    mode: LockMode


def exclusive(noun: str, resource_id: str) -> Lock:
    """Nobody else may use the resource meanwhile."""
    return Lock(f"{noun}:{resource_id}", LockMode.EXCLUSIVE)


def shared(noun: str, resource_id: str) -> Lock:
    """The resource must stay as it is meanwhile; others may use it too."""
    return Lock(f"{noun}:{resource_id}", LockMode.SHARED)


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """The trace of a step: its result (plain JSON), its error if it failed, and when. `attempts` counts retries too."""

    name: str
    title: str
    state: StepState = StepState.RUNNING
    result: Any = None
    error: dict[str, Any] | None = None
    attempts: int = 1
    started_at: datetime = field(default_factory=utc_now)
    finished_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """One change and how far it is.

    `seq` orders tasks; `arguments` is the task type's own value as plain JSON; `trail` has one record per step begun;
    `noun` and `object_id` name what it is about; `error` is `AltusError.to_dict()`; `epoch` is of the manager's lease
    under which it was last written; `waiting_for` is a sentence while it cannot go on; `fingerprint` is of the request
    that asked for it under an idempotency key.
    """

    id: str
    seq: int = 0
    kind: str
    title: str
    noun: str
    object_id: str
    object_name: str = ""
    project_id: str = ""
    parent_id: str | None = None
    arguments: dict[str, Any]
    locks: tuple[Lock, ...] = ()
    state: TaskState = TaskState.QUEUED
    progress: float = 0.0
    waiting_for: str = ""
    trail: tuple[StepRecord, ...] = ()
    error: dict[str, Any] | None = None
    host_id: str | None = None
    actor: str = ""
    reason: str = ""
    request_id: str = ""
    fingerprint: str = ""
    cancel_requested: bool = False
    cancellable: bool = True
    epoch: int = 0
    created_at: datetime = field(default_factory=utc_now)
    started_at: datetime | None = None
    finished_at: datetime | None = None
