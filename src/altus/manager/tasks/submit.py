"""How a change becomes a task: called inside the service's own transaction, together with what it reserves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from altus.common.ids import new_id
from altus.manager.store import tasks as rows
from altus.manager.store.database import Tx
from altus.manager.tasks.declare import TaskType
from altus.model.task import Task

A = TypeVar("A")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who asked for a task and why."""

    actor: str = ""
    reason: str = ""
    request_id: str = ""
    parent_id: str | None = None
    fingerprint: str = ""


def make(kind: TaskType[A], arguments: A, *, object_id: str, object_name: str, project_id: str = "",
         origin: Origin | None = None, task_id: str = "") -> Task:  # fmt: skip
    """A queued task, not yet stored."""
    origin = origin or Origin()
    return Task(
        id=task_id or new_id(),
        kind=kind.kind,
        title=kind.title,
        noun=kind.noun,
        object_id=object_id,
        object_name=object_name,
        project_id=project_id,
        parent_id=origin.parent_id,
        arguments=kind.dump(arguments),
        locks=tuple(sorted(kind.locks(arguments))),
        actor=origin.actor,
        reason=origin.reason,
        request_id=origin.request_id,
        fingerprint=origin.fingerprint,
        cancellable=kind.cancellable,
    )


def store(tx: Tx, task: Task, wake: Any = None) -> Task:
    """Queue the task; `wake` is called once it is durable."""
    stored = rows.insert(tx, task)
    if wake is not None:
        tx.on_commit(wake)
    return stored
