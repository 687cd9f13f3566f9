"""The audit trail as services use it: every change with its record in one transaction, every refusal with its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import structlog

from altus.common.errors import AltusError, Forbidden
from altus.manager.store import audit as rows
from altus.manager.store.audit import AuditChain
from altus.manager.store.audit_verify import verify
from altus.manager.store.database import Database, Tx
from altus.model.actor import Actor
from altus.model.audit import AuditRecord, AuditVerdict, Outcome
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page
from altus.model.task import Task

R = TypeVar("R")
_log = structlog.get_logger(__name__)
_MAX_TEXT = 256


@dataclass
class Act:
    """What somebody does, as the audit tells it; filled in while it is done. `details` never hold secrets.

    `noun` is the action's first part unless given. `outcome` is what it is called when it goes well: `allowed` where a
    task has only been queued.
    """

    action: str
    object_id: str = ""
    object_name: str = ""
    project_id: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    outcome: Outcome = Outcome.SUCCEEDED
    began: float = field(default_factory=time.monotonic)
    noun: str = ""

    def about(self, thing: Any) -> None:
        """Name the object, once it is known: anything with `id` and perhaps `name` and `project_id`."""
        self.object_id = thing.id
        self.object_name = getattr(thing, "name", "")
        self.project_id = getattr(thing, "project_id", "")


class AuditLog:
    """How services write the audit trail."""

    def __init__(self, db: Database, chain: AuditChain) -> None:
        self.db = db
        self.chain = chain

    async def change(self, actor: Actor, act: Act, work: Callable[[Tx], R]) -> R:
        """Run `work` and record it in the same transaction; if it raises, record the refusal or failure and raise."""

        def both(tx: Tx) -> R:
            result = work(tx)
            self.note(tx, actor, act, act.outcome)
            return result

        try:
            return await self.db.write(both)
        except Exception as error:
            await self.failed(actor, act, error)
            raise

    async def require(self, actor: Actor, permission: Permission, act: Act) -> None:
        """`Forbidden`, recorded, unless the actor may; for what changes nothing and is not recorded otherwise."""
        try:
            actor.require(permission, project_id=act.project_id, object_id=act.object_id)
        except Forbidden as error:
            await self.failed(actor, act, error)
            raise

    async def failed(self, actor: Actor, act: Act, error: Exception) -> None:
        """Record that something was denied or failed. Never in the way of the error itself: if the trail cannot be
        written either, the log has both."""
        outcome = Outcome.DENIED if isinstance(error, Forbidden) else Outcome.FAILED
        code = error.code if isinstance(error, AltusError) else "internal"
        try:
            await self.db.write(lambda tx: self.note(tx, actor, act, outcome, code))
        except AltusError as trouble:
            _log.error("refusal not audited", action=act.action, actor=actor.name, code=code, error=trouble.message)

    def acted(self, tx: Tx, actor: Actor, action: str, *, noun: str, object_id: str, object_name: str = "",
              project_id: str = "") -> None:  # fmt: skip
        """Record, in the transaction that does it, that something was done."""
        act = Act(action, object_id, object_name, project_id, noun=noun)
        self.note(tx, actor, act, Outcome.SUCCEEDED)

    def submitted(self, tx: Tx, actor: Actor, task: Task) -> None:
        """Record that a task was allowed and queued; its end has a record of its own (`of_task_end`)."""
        details = {"task_id": task.id} | ({"reason": task.reason} if task.reason else {})
        act = Act(task.kind, task.object_id, task.object_name, task.project_id, details, noun=task.noun)
        self.note(tx, actor, act, Outcome.ALLOWED)

    def of_task_end(self, tx: Tx, task: Task) -> None:
        """Record a task's end: the `journal` of `tasks.run.World`."""
        self.chain.of_task_end(tx, task)

    def note(self, tx: Tx, actor: Actor, act: Act, outcome: Outcome, error_code: str = "") -> None:
        """Append a record of this act."""
        self.chain.append(tx, AuditRecord(
            actor_id=actor.account_id, actor_name=_clean(actor.name), duty=actor.duty or "",
            source=_clean(actor.source), action=act.action, noun=act.noun or act.action.partition(".")[0],
            object_id=_clean(act.object_id), object_name=_clean(act.object_name), project_id=_clean(act.project_id),
            outcome=outcome, error_code=error_code, duration_ms=round((time.monotonic() - act.began) * 1000),
            details={key: _clean(value) if isinstance(value, str) else value for key, value in act.details.items()},
            request_id=_clean(actor.request_id),
        ))  # fmt: skip


class AuditService:
    """For audit administrators: read the trail, verify it."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._db = audit.db

    async def list(self, actor: Actor, query: ListQuery, *, since: datetime | None = None,
                   until: datetime | None = None) -> Page[AuditRecord]:  # fmt: skip
        """One page of records from `since` and before `until` (UTC); sort by `seq`, or by any other field. Needs
        `audit:read`."""
        await self._audit.require(actor, Permission.AUDIT_READ, Act("audit.list"))
        return await self._db.read(lambda tx: rows.page(tx, query, since, until))

    async def verify(self, actor: Actor) -> AuditVerdict:
        """Read the whole trail and tell the first broken record and what was done to it. Needs `audit:verify`. That it
        was verified is recorded too, with the verdict."""
        act = Act("audit.verify")
        await self._audit.require(actor, Permission.AUDIT_VERIFY, act)
        verdict = await verify_trail(self._db, self._audit.chain)
        act.details = {"records": verdict.records, "tampering": verdict.tampering, "record": verdict.first_broken}
        outcome = Outcome.SUCCEEDED if verdict.intact else Outcome.FAILED
        code = "" if verdict.intact else f"audit.{verdict.tampering}"
        await self._db.write(lambda tx: self._audit.note(tx, actor, act, outcome, code))
        return verdict


async def verify_trail(db: Database, chain: AuditChain) -> AuditVerdict:
    """The verification without anybody who asks: for clocks and `altus doctor`."""

    def work(tx: Tx) -> AuditVerdict:
        return verify(tx, chain.key, anchor)

    anchor = chain.anchor.load()  # before the transaction sees the chain: what it knows must be there
    return await db.read(work)


def _clean(text: str) -> str:
    """Short and printable: some of it comes from whoever asks, before anything was checked."""
    return "".join(char if char.isprintable() else "?" for char in text[:_MAX_TEXT])
