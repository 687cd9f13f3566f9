"""Tasks, plans and events on the public API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from altus.model.task import StepState, TaskState
from altus.wire.base import View


class StepView(View):
    """The trace of one step; `result` is what it found out, if it is done."""

    name: str
    title: str
    state: StepState
    result: Any = None
    error: dict[str, Any] | None
    attempts: int
    started_at: datetime
    finished_at: datetime | None


class QueueView(View):
    """Why a task has not started: its `position` (1 is next) and the tasks it waits for, the first one first."""

    position: int
    waits_for: list[str]


class TaskView(View):
    """A task and how far it is; `progress` from 0 to 1."""

    id: str
    seq: int
    kind: str
    title: str
    noun: str
    object_id: str
    object_name: str
    project_id: str
    parent_id: str | None
    state: TaskState
    progress: float
    waiting_for: str
    trail: list[StepView]
    error: dict[str, Any] | None
    host_id: str | None
    actor: str
    reason: str
    request_id: str
    cancel_requested: bool
    cancellable: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    queue: QueueView | None = None


class PlannedStepView(View):
    """A step that would be taken."""

    name: str
    title: str
    undoable: bool


class PlanView(View):
    """What a change would do; nothing was written."""

    kind: str
    title: str
    noun: str
    object_name: str
    steps: list[PlannedStepView]
    locks: list[str]
    waits_for: list[str]
    details: dict[str, Any]


class EventView(View):
    """One line of the event stream; `seq` is its number, to resume after."""

    seq: int
    at: datetime
    kind: str
    noun: str
    object_id: str
    project_id: str
    task_id: str
    data: dict[str, Any]


class FindingView(View):
    """Something that does not agree between the database and a host."""

    kind: str
    noun: str
    object_id: str
    message: str
    hint: str = ""


class DoctorView(View):
    """Whether database, hosts, storage and networks agree."""

    healthy: bool
    checked: dict[str, int]
    findings: list[FindingView]
