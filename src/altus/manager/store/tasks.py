"""Rows of tasks."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from altus.common.errors import NotFound
from altus.manager.store import claims
from altus.manager.store.conditions import is_storable
from altus.manager.store.database import Tx
from altus.manager.store.events import emit
from altus.manager.store.paging import fetch_page
from altus.manager.store.tables import TASKS, Event
from altus.model.query import ListQuery, Page
from altus.model.task import Lock, Task, TaskState

_TABLE = TASKS.table
_UNFINISHED = [state.value for state in TaskState if not state.finished]
_KEPT = ("seq", "id", "cancel_requested", "created_at")
"""What `save` leaves alone: it never changes, or others set it meanwhile (a request to cancel)."""
_CLAIMED = re.compile(r'"resource":"[^":]*:([^"]*)"')
_INSERT = _TABLE.insert().returning(_TABLE.c.seq)
_SAVE = _TABLE.update().where(_TABLE.c.id == sa.bindparam("saved_id"))
_PEEK = sa.select(_TABLE).where(_TABLE.c.id == sa.bindparam("task_id"))


def insert(tx: Tx, task: Task) -> Task:
    """Add it and give it its number; the same id a second time returns the task that is there."""
    there = peek(tx, task.id)
    if there is not None:
        return there
    row = TASKS.dump(task)
    del row["seq"]
    result = tx.execute(_INSERT, row)
    numbered = dataclasses.replace(task, seq=result.scalar_one())
    if not task.state.finished:
        claims.keep(tx, task)
    _emit(tx, "created", numbered)
    return numbered


def save(tx: Tx, task: Task) -> None:
    """Write back all but what others may have set meanwhile (a request to cancel)."""
    tx.execute(_SAVE, _saved_part(task) | {"saved_id": task.id})
    if task.state.finished:
        claims.drop(tx, task.id)
    _emit(tx, "updated", task)


def is_saved(tx: Tx, task: Task) -> bool:
    """Whether the task stands where `save` would lead it: then an attempt that seemed to fail was committed."""
    there = peek(tx, task.id)
    if there is None:
        return False
    stored, wanted = _saved_part(there), _saved_part(task)
    return all(stored[name] == wanted[name] for name in ("state", "trail", "error", "epoch"))


def save_progress(tx: Tx, task: Task) -> None:
    """Write how far an unfinished task is, what it waits for, and whether it can still be ended."""
    values = {"progress": task.progress, "waiting_for": task.waiting_for, "cancellable": task.cancellable}
    unfinished_row = (_TABLE.c.id == task.id, _TABLE.c.state.in_(_UNFINISHED))
    if tx.execute(_TABLE.update().where(*unfinished_row).values(values)).rowcount:
        _emit(tx, "updated", task)


def request_cancel(tx: Tx, task_id: str) -> Task:
    """Note that somebody wants it to end; a finished task stays as it is."""
    task = get(tx, task_id)
    if task.state.finished or task.cancel_requested:
        return task
    tx.execute(_TABLE.update().where(_TABLE.c.id == task_id).values(cancel_requested=True))
    _emit(tx, "updated", task)
    return dataclasses.replace(task, cancel_requested=True)


def peek(tx: Tx, task_id: str) -> Task | None:
    """By id, None if there is none."""
    row = tx.execute(_PEEK, {"task_id": task_id}).one_or_none() if is_storable(task_id) else None
    return None if row is None else TASKS.load(row)


def get(tx: Tx, task_id: str) -> Task:
    """By id; `NotFound` (`task.not_found`)."""
    found = peek(tx, task_id)
    if found is None:
        raise missing(task_id)
    return found


def missing(task_id: str) -> NotFound:
    """The error for an id that leads nowhere."""
    return NotFound(f"There is no task {task_id[:80]!r}.", code="task.not_found", hint="See `altus task list`.")


def peek_all(tx: Tx, task_ids: Collection[str]) -> list[Task]:
    """Those of the tasks which exist, oldest first."""
    query = sa.select(_TABLE).where(_TABLE.c.id.in_(list(task_ids))).order_by(_TABLE.c.seq)
    return [TASKS.load(row) for row in tx.execute(query)]


def unfinished(tx: Tx, after_seq: int = 0) -> list[Task]:
    """Tasks which are not finished, with a number above `after_seq`, oldest first."""
    query = sa.select(_TABLE).where(_TABLE.c.state.in_(_UNFINISHED), _TABLE.c.seq > after_seq).order_by(_TABLE.c.seq)
    return [TASKS.load(row) for row in tx.execute(query)]


def begun(tx: Tx) -> list[Task]:
    """Tasks which have begun and are not finished, oldest first."""
    query = sa.select(_TABLE).where(_TABLE.c.state.in_(_UNFINISHED), _TABLE.c.started_at.is_not(None))
    return [TASKS.load(row) for row in tx.execute(query.order_by(_TABLE.c.seq))]


def competing(tx: Tx, locks: Iterable[Lock]) -> list[Task]:
    """Unfinished tasks with claims which cannot be held together with these, oldest first."""
    against = claims.against(locks)
    if against is None:
        return []
    query = sa.select(_TABLE).where(_TABLE.c.id.in_(against)).order_by(_TABLE.c.seq)
    return [TASKS.load(row) for row in tx.execute(query)]


def claimed(tx: Tx) -> frozenset[str]:
    """Ids of the objects that unfinished tasks claim."""
    return frozenset(resource.partition(":")[2] for resource in claims.resources(tx))


def claimed_since(tx: Tx, seq: int) -> frozenset[str]:
    """Ids of the objects that tasks with a number above `seq` claim, finished or not."""
    texts = tx.execute(sa.select(_TABLE.c.locks).where(_TABLE.c.seq > seq)).scalars()
    return frozenset(object_id for text in texts for object_id in _CLAIMED.findall(text))


def last_seq(tx: Tx) -> int:
    """The highest number a task has; 0 if there is none."""
    return int(tx.execute(sa.select(sa.func.max(_TABLE.c.seq))).scalar() or 0)


def unfinished_of(tx: Tx, object_id: str) -> list[Task]:
    """Unfinished tasks about one object, oldest first."""
    query = sa.select(_TABLE).where(_TABLE.c.object_id == object_id, _TABLE.c.state.in_(_UNFINISHED))
    return [TASKS.load(row) for row in tx.execute(query.order_by(_TABLE.c.seq))]


def latest(tx: Tx, kind: str, object_id: str) -> Task | None:
    """The last task of this kind that was asked for about an object, finished or not."""
    query = sa.select(_TABLE).where(_TABLE.c.object_id == object_id, _TABLE.c.kind == kind)
    row = tx.execute(query.order_by(_TABLE.c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else TASKS.load(row)


def cancel_requests(tx: Tx) -> list[str]:
    """Ids of unfinished tasks which somebody wants to end."""
    query = sa.select(_TABLE.c.id).where(_TABLE.c.cancel_requested, _TABLE.c.state.in_(_UNFINISHED))
    return [row.id for row in tx.execute(query)]


def children(tx: Tx, parent_id: str) -> list[Task]:
    """Direct children, oldest first."""
    query = sa.select(_TABLE).where(_TABLE.c.parent_id == parent_id).order_by(_TABLE.c.seq)
    return [TASKS.load(row) for row in tx.execute(query)]


def page(tx: Tx, query: ListQuery, project_ids: Iterable[str] | None = None,
         object_ids: Iterable[str] = ()) -> Page[Task]:  # fmt: skip
    """One page by key; `project_ids` limits it to what the asker may see, and tasks about `object_ids` are added."""
    statement = sa.select(_TABLE)
    if project_ids is not None:
        seen = _TABLE.c.project_id.in_(list(project_ids)) | _TABLE.c.object_id.in_(list(object_ids))
        statement = statement.where(seen)
    rows, following = fetch_page(tx, TASKS, statement, query)
    return Page([TASKS.load(row) for row in rows], following)


def forget_finished_before(tx: Tx, moment: datetime) -> int:
    """Delete tasks which ended before `moment`; returns how many. Those of an unfinished parent stay: it would have
    them done again."""
    busy = sa.select(_TABLE.c.id).where(_TABLE.c.state.in_(_UNFINISHED))
    old = (_TABLE.c.finished_at < moment, sa.func.coalesce(_TABLE.c.parent_id, "").not_in(busy))
    return tx.execute(_TABLE.delete().where(*old)).rowcount


def _saved_part(task: Task) -> dict[str, Any]:
    return {name: value for name, value in TASKS.dump(task).items() if name not in _KEPT}


def _emit(tx: Tx, verb: str, task: Task) -> None:
    data = {"state": task.state, "progress": task.progress, "kind": task.kind, "object_id": task.object_id}
    emit(tx, Event(kind=f"task.{verb}", noun="task", object_id=task.id, task_id=task.id, project_id=task.project_id,
                   data=data))  # fmt: skip
