"""What unfinished tasks claim: a row for each of their locks, found by resource however many tasks are queued."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from altus.manager.store.database import Tx
from altus.manager.store.tables import CLAIMS
from altus.model.task import Lock, LockMode, Task

_INSERT = CLAIMS.insert()
_DROP = CLAIMS.delete().where(CLAIMS.c.task_id == sa.bindparam("ended"))


def keep(tx: Tx, task: Task) -> None:
    """Write those of a task which has just been queued."""
    rows = [{"task_id": task.id, "resource": lock.resource, "mode": lock.mode.value} for lock in set(task.locks)]
    if rows:
        tx.execute(_INSERT, rows)


def drop(tx: Tx, task_id: str) -> None:
    """Forget those of a task that has ended."""
    tx.execute(_DROP, {"ended": task_id})


def against(locks: Iterable[Lock]) -> sa.Select[tuple[str]] | None:
    """Selects the ids of the tasks with claims that cannot be held together with these; None for no locks."""
    conditions = [_stands_against(lock) for lock in locks]
    return sa.select(CLAIMS.c.task_id).where(sa.or_(*conditions)) if conditions else None


def resources(tx: Tx) -> Iterable[str]:
    """Every resource that is claimed, as `noun:id`."""
    return tx.execute(sa.select(CLAIMS.c.resource).distinct()).scalars()


def _stands_against(lock: Lock) -> sa.ColumnElement[bool]:
    same = CLAIMS.c.resource == lock.resource
    return same if lock.mode is LockMode.EXCLUSIVE else same & (CLAIMS.c.mode == LockMode.EXCLUSIVE.value)
