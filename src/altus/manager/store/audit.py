"""The audit trail: an append-only chain of records and its head. See model/audit.py for what protects it."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from altus.common.errors import Internal
from altus.manager.store.accounts import ACCOUNTS
from altus.manager.store.anchor import PURPOSE as ANCHOR_PURPOSE
from altus.manager.store.anchor import Anchor
from altus.manager.store.columns import Record, UtcTime
from altus.manager.store.database import Tx
from altus.manager.store.paging import fetch_page
from altus.manager.store.tables import METADATA
from altus.model.audit import GENESIS, AuditRecord, Outcome, Point, mac
from altus.model.query import ListQuery, Page
from altus.model.resource import utc_now
from altus.model.task import Task, TaskState

_log = structlog.get_logger(__name__)
_KEY_BYTES = 32
HEAD_PURPOSE = "head"
_BROKEN = "f" * 64

RECORDS = Record(METADATA, "audit_records", AuditRecord, sa.Index(None, "at"), sa.Index(None, "actor_id"),
                 sa.Index(None, "object_id"), sa.Index(None, "prev_hash"), key="seq")  # fmt: skip
HEAD = sa.Table(
    "audit_head",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("seal", sa.Text, nullable=False),
)
_TABLE = RECORDS.table
_LAST = sa.select(sa.func.max(_TABLE.c.seq)).scalar_subquery().label("last")
_STATE = sa.select(_LAST, HEAD.c.seq, HEAD.c.hash, HEAD.c.seal).select_from(
    sa.select(sa.literal(1).label("one")).subquery().outerjoin(HEAD, HEAD.c.id == 1)
)
_INSERT = _TABLE.insert().inline()
_INSERT_HEAD = HEAD.insert().inline()
_UPDATE_HEAD = HEAD.update()


@dataclass(frozen=True)
class ChainState:
    """The head, whether it was made with our key, and the highest number of a record, all at one moment."""

    head: Point | None
    head_genuine: bool
    last: int

    def following(self) -> tuple[int, str]:
        """Number and previous hash of the next record. Where head and records do not agree any more, work goes on, but
        the next record must not heal the chain: it is made to follow on nothing."""
        if self.head is None and self.last == 0:
            return 1, GENESIS
        if self.head is None or not self.head_genuine:
            return self.last + 1, _BROKEN
        return max(self.head.seq, self.last) + 1, self.head.hash


class AuditChain:
    """Writes the trail. Every append is part of the transaction of what it tells."""

    def __init__(self, key: bytes, anchor: Anchor) -> None:
        self.key = key
        self.anchor = anchor
        self.astray = False
        self._watched = -math.inf

    @classmethod
    def open(cls, key_path: Path, anchor_path: Path, interval: float = 1.0) -> AuditChain:
        """With the key in this file, which is made (0600) if it is missing, together with the anchor."""
        if not key_path.exists():
            key_path.parent.mkdir(parents=True, exist_ok=True)
            anchor_path.parent.mkdir(parents=True, exist_ok=True)
            key = os.urandom(_KEY_BYTES)
            Anchor(anchor_path, key).create()  # first, so that where there is a key there has been an anchor
            _write_key(key_path, key)
        key = key_path.read_bytes()
        if len(key) != _KEY_BYTES:
            raise Internal("The key of the audit trail is damaged.", code="audit.key",
                           hint=f"Bring {key_path.name} back from a backup.")  # fmt: skip
        return cls(key, Anchor(anchor_path, key, interval))

    def append(self, tx: Tx, record: AuditRecord) -> AuditRecord:
        """Add a record; it is there if and only if the transaction is committed."""
        state = load_state(tx, self.key)
        seq, previous = state.following()
        self._watch_anchor(tx)
        row = RECORDS.dump(dataclasses.replace(record, seq=seq, prev_hash=previous))
        stored_at = UtcTime().process_bind_param(record.at, tx.connection.dialect)
        row["hash"] = hash_of(self.key, row | {"at": stored_at})
        tx.execute(_INSERT, row)
        point = Point.sealed(self.key, HEAD_PURPOSE, seq, row["hash"])
        head = {"id": 1, "seq": point.seq, "hash": point.hash, "seal": point.seal}
        tx.execute(_INSERT_HEAD if state.head is None else _UPDATE_HEAD, head)
        if not self.astray:
            tx.on_commit(lambda: self.anchor.note(seq, row["hash"]))
        return dataclasses.replace(record, seq=seq, prev_hash=previous, hash=row["hash"])

    def of_task_end(self, tx: Tx, task: Task) -> None:
        """The record of a task's end, for the transaction in which its last state is written."""
        actor = tx.execute(sa.select(ACCOUNTS.table.c.id).where(ACCOUNTS.table.c.name == task.actor)).scalar()
        ended = task.finished_at or utc_now()
        succeeded = task.state is TaskState.SUCCEEDED
        error = "" if succeeded else str((task.error or {}).get("code") or task.state.value)
        details = {"task_id": task.id} | ({"reason": task.reason} if task.reason else {})
        self.append(tx, AuditRecord(
            at=ended, actor_id=actor or "", actor_name=task.actor, action=task.kind, noun=task.noun,
            object_id=task.object_id, object_name=task.object_name, project_id=task.project_id,
            outcome=Outcome.SUCCEEDED if succeeded else Outcome.FAILED, error_code=error,
            duration_ms=round((ended - (task.started_at or task.created_at)).total_seconds() * 1000),
            details=details, request_id=task.request_id,
        ))  # fmt: skip

    async def close(self) -> None:
        """Bring the anchor up to date."""
        await self.anchor.close()

    def _watch_anchor(self, tx: Tx) -> None:
        """Leave the anchor where it is once the chain has not what it knows, so that the proof is not overwritten."""
        if self.astray or time.monotonic() - self._watched < self.anchor.interval:
            return
        self._watched = time.monotonic()
        point = self.anchor.load()
        if point is None or not point.genuine(self.key, ANCHOR_PURPOSE):
            self.astray = True
        elif point.seq > 0:
            found = tx.execute(sa.select(_TABLE.c.hash).where(_TABLE.c.seq == point.seq)).scalar()
            self.astray = found != point.hash
        if self.astray:
            _log.error("the audit trail does not agree with its anchor; see `altus audit verify`")


def hash_of(key: bytes, row: dict[str, Any]) -> str:
    """The keyed hash of a row as it is stored (`at` in microseconds), all but its own `hash`."""
    return mac(key, {name: value for name, value in row.items() if name != "hash"})


def load_state(tx: Tx, key: bytes) -> ChainState:
    """In one statement, so that it is of one moment."""
    row = tx.execute(_STATE).one()
    head = None if row.hash is None else Point(row.seq, row.hash, row.seal)
    return ChainState(head, head is not None and head.genuine(key, HEAD_PURPOSE), int(row.last or 0))


def page(tx: Tx, query: ListQuery, since: datetime | None = None, until: datetime | None = None) -> Page[AuditRecord]:
    """One page by key, of the records from `since` and before `until`."""
    statement = sa.select(_TABLE)
    if since is not None:
        statement = statement.where(_TABLE.c.at >= since)
    if until is not None:
        statement = statement.where(_TABLE.c.at < until)
    rows, following = fetch_page(tx, RECORDS, statement, query, key="seq")
    return Page([RECORDS.load(row) for row in rows], following)


def _write_key(path: Path, key: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
