"""How a request becomes a task, or a plan of one: the one way every change of a resource goes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from altus.common.errors import AltusError, Conflict
from altus.common.ids import derived_id
from altus.manager.services.audit import Act, AuditLog
from altus.manager.store import tasks as rows
from altus.manager.store.database import Database, Tx
from altus.manager.tasks.declare import TaskType
from altus.manager.tasks.run import Run, World
from altus.manager.tasks.submit import Origin, make, store
from altus.model.actor import Actor
from altus.model.locks import LockTable
from altus.model.plan import Plan, PlannedStep
from altus.model.task import Task

A = TypeVar("A")


@dataclass(frozen=True, kw_only=True)
class Change(Generic[A]):
    """A change that was asked for and is allowed.

    `reserve` writes what must be there before the task runs (names, addresses, rows), in the transaction that queues
    the task; it may return the arguments made whole by that.
    """

    kind: TaskType[A]
    arguments: A
    object_id: str
    object_name: str
    project_id: str
    reserve: Callable[[Tx], A | None] = lambda _tx: None


@dataclass(frozen=True)
class Idempotency:
    """A client's key for a request, and the fingerprint of the request itself."""

    key: str
    fingerprint: str

    @classmethod
    def of(cls, key: str, *request: bytes) -> Idempotency:
        """For a request with these parts."""
        return cls(key, hashlib.sha256(b"\0".join(request)).hexdigest())


class _RehearsedError(Exception):
    """Takes a rehearsal's transaction back."""


class Changes:
    """Plans and submits changes."""

    def __init__(self, world: World, audit: AuditLog, wake: Callable[[], None]) -> None:
        self.world = world
        self.audit = audit
        self._wake = wake

    @property
    def db(self) -> Database:
        """The database."""
        return self.world.db

    async def plan(self, actor: Actor, change: Change[Any]) -> Plan:
        """What the change would do; nothing is written. Refusals are raised as they would be."""
        task = self._task(actor, change, change.arguments, None)
        run = Run(task, change.arguments, self.world)
        await change.kind.check(run)
        await self._rehearse(change)
        details = await change.kind.plan(run) if change.kind.plan is not None else {}
        steps, committed = [], False
        for step in change.kind.steps:
            committed = committed or step.commits
            steps.append(PlannedStep(name=step.name, title=step.title, undoable=not committed))
        return Plan(
            kind=task.kind,
            title=task.title,
            noun=task.noun,
            object_name=task.object_name,
            steps=tuple(steps),
            locks=tuple(f"{lock.resource} ({lock.mode})" for lock in task.locks),
            waits_for=tuple(await self.db.read(lambda tx: waits_for(tx, task))),
            details=details,
        )

    async def submit(self, actor: Actor, change: Change[Any], idempotency: Idempotency | None = None) -> Task:
        """Queue the change. What cannot succeed is refused at once, unless something else is under way on the same
        resources: then it is looked at when its turn comes. A repeated idempotency key returns the first task."""
        act = Act(change.kind.kind, change.object_id, change.object_name, change.project_id)
        try:
            return await self._submit(actor, change, idempotency)
        except AltusError as error:
            await self.audit.failed(actor, act, error)
            raise

    async def replay(self, actor: Actor, idempotency: Idempotency) -> Task | None:
        """The task that was submitted under this key; None if there is none. `Conflict` (`idempotency.reused`) if that
        was another request. To be asked before the change is drafted: what it is about may be gone since."""
        task_id = _task_id(actor, idempotency)
        there = await self.db.read(lambda tx: rows.peek(tx, task_id))
        return None if there is None else _same_request(there, idempotency.fingerprint)

    async def _rehearse(self, change: Change[Any]) -> None:
        """Reserve what is to be reserved, and take it back: a name or an address may be taken."""

        def work(tx: Tx) -> None:
            change.reserve(tx)
            raise _RehearsedError

        try:
            await self.db.write(work)
        except _RehearsedError:
            return

    async def _submit(self, actor: Actor, change: Change[Any], idempotency: Idempotency | None) -> Task:
        task = self._task(actor, change, change.arguments, idempotency)
        if not await self.db.read(lambda tx: waits_for(tx, task)):
            await change.kind.check(Run(task, change.arguments, self.world))

        def work(tx: Tx) -> Task:
            if (there := rows.peek(tx, task.id)) is not None:
                return _same_request(there, task.fingerprint)
            whole = change.reserve(tx)
            final = task if whole is None else self._task(actor, change, whole, idempotency, task.id)
            self.audit.submitted(tx, actor, final)
            return store(tx, final, self._wake)

        return await self.db.write(work)

    def _task(self, actor: Actor, change: Change[Any], arguments: Any, idempotency: Idempotency | None,
              task_id: str = "") -> Task:  # fmt: skip
        if idempotency is not None:
            task_id = _task_id(actor, idempotency)
        fingerprint = idempotency.fingerprint if idempotency is not None else ""
        origin = Origin(actor=actor.name, request_id=actor.request_id, fingerprint=fingerprint)
        return make(change.kind, arguments, object_id=change.object_id, object_name=change.object_name,
                    project_id=change.project_id, origin=origin, task_id=task_id)  # fmt: skip


def waits_for(tx: Tx, task: Task) -> list[str]:
    """Ids of the unfinished tasks which the task must wait for (or would, were it submitted now), the first one first.

    A task that is finished waits for nothing.
    """
    if task.state.finished or task.started_at is not None:
        return []
    table = LockTable()
    last = 0
    orders: dict[str, tuple[int, ...]] = {}
    for other in rows.competing(tx, task.locks):
        if other.id == task.id:
            continue
        orders[other.id] = (*orders.get(other.parent_id or "", ()), other.seq)
        table.add(other.id, orders[other.id], other.locks)
        if other.started_at is not None:
            table.take(other.id)
        last = max(last, other.seq)
    table.add(task.id, (*orders.get(task.parent_id or "", ()), task.seq or last + 1), task.locks)
    return table.blockers(task.id)


def _task_id(actor: Actor, idempotency: Idempotency) -> str:
    return derived_id("idempotency", actor.account_id, idempotency.key)


def _same_request(task: Task, fingerprint: str) -> Task:
    if task.fingerprint != fingerprint:
        raise Conflict("This idempotency key was used for another request.", code="idempotency.reused",
                       hint="Use a fresh key for every new request.")  # fmt: skip
    return task
