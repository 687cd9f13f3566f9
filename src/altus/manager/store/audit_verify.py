"""Reads the whole audit trail and tells the first broken record and what was done to it (row S5).

Rows are taken as they are stored, without conversion, as who tampers does not care for types. The walk is a stream by
key; only when something is wrong the neighbourhood is looked at more closely (`_Inquiry`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import sqlalchemy as sa

from altus.manager.store.anchor import PURPOSE as ANCHOR_PURPOSE
from altus.manager.store.audit import RECORDS, ChainState, hash_of, load_state
from altus.manager.store.database import Tx
from altus.model.audit import GENESIS, AuditVerdict, Point, Tampering, broken

_BATCH = 2000
_TABLE = RECORDS.table
_NAMES = tuple(RECORDS.columns)
_RAW = [sa.type_coerce(_TABLE.c[name], sa.types.NullType()).label(name) for name in _NAMES]

Row = dict[str, Any]


def verify(tx: Tx, key: bytes, anchor: Point | None) -> AuditVerdict:
    """Check every record, the head, and that the chain has come as far as the anchor, which must have been read before
    the transaction began. Records appended meanwhile are left for the next time."""
    state = load_state(tx, key)
    expected, previous, at_anchor = 1, GENESIS, GENESIS
    for row in _rows(tx, None, state.last):
        wrong = _wrong_record(tx, key, state, row, expected, previous)
        if wrong is not None:
            return broken(expected, wrong, min(expected, row["seq"]))
        previous, expected = row["hash"], expected + 1
        if anchor is not None and row["seq"] == anchor.seq:
            at_anchor = row["hash"]
    count = expected - 1
    wrong_end = _wrong_head(state, count, previous) or _wrong_anchor(key, anchor, count, at_anchor)
    return AuditVerdict(records=count) if wrong_end is None else broken(count, *wrong_end)


def _wrong_record(tx: Tx, key: bytes, state: ChainState, row: Row, expected: int, previous: str) -> Tampering | None:
    seq = row["seq"]
    if seq < expected:
        return Tampering.INSERTED
    if seq > expected:
        return Tampering.DELETED
    if hash_of(key, row) != row["hash"]:
        return _Inquiry(tx, key, state, row, previous).verdict()
    return None if row["prev_hash"] == previous else Tampering.SPLICED


def _wrong_head(state: ChainState, count: int, last_hash: str) -> tuple[Tampering, int] | None:
    head = state.head
    if head is None:
        return None if count == 0 else (Tampering.HEAD_REPLACED, 1)
    if not state.head_genuine:
        return Tampering.HEAD_REPLACED, count + 1
    if head.seq > count:
        return Tampering.TRUNCATED, count + 1
    if head.seq < count:
        return Tampering.HEAD_REPLACED, head.seq + 1
    return None if head.hash == last_hash else (Tampering.HEAD_REPLACED, count)


def _wrong_anchor(key: bytes, anchor: Point | None, count: int, at_anchor: str) -> tuple[Tampering, int] | None:
    if anchor is None or not anchor.genuine(key, ANCHOR_PURPOSE):
        return Tampering.ANCHOR_REPLACED, count + 1
    if anchor.seq > count:
        return Tampering.ROLLED_BACK, count + 1
    return None if at_anchor == anchor.hash else (Tampering.ROLLED_BACK, anchor.seq)


class _Inquiry:
    """What was done at the first record whose hash does not fit, found out from what else is still genuine."""

    def __init__(self, tx: Tx, key: bytes, state: ChainState, row: Row, previous: str) -> None:
        self.tx = tx
        self.key = key
        self.state = state
        self.row = row
        self.seq: int = row["seq"]
        self.previous = previous

    def verdict(self) -> Tampering:
        """The kind of tampering; the order of the questions matters."""
        head = self.state.head
        if self.state.head_genuine and head is not None and self.seq > head.seq:
            return Tampering.INSERTED
        if self._origin(self.row) is not None:
            return Tampering.REORDERED if self._displaced() is not None else self._copied_or_deleted()
        if self._displaced() is not None:
            return Tampering.INSERTED
        return Tampering.ALTERED if self._tail_is_ours() else Tampering.FORGED

    def _copied_or_deleted(self) -> Tampering:
        """A genuine record of another place, and the one of this place is nowhere: renumbered, or overwritten."""
        origin = self._origin(self.row) or 0
        following = next(_rows(self.tx, self.seq, self.state.last), None)
        shifted = origin > self.seq and (following is None or self._origin(following) != following["seq"])
        return Tampering.DELETED if shifted else Tampering.ALTERED

    def _displaced(self) -> Row | None:
        """The genuine record that follows on what was before, found further on."""
        query = sa.select(*_RAW).where(_TABLE.c.prev_hash == self.previous, _TABLE.c.seq > self.seq)
        rows = (dict(row._mapping) for row in self.tx.execute(query.order_by(_TABLE.c.seq)))
        return next((row for row in rows if self._fits(row, self.seq) or self._fits(row, row["seq"])), None)

    def _tail_is_ours(self) -> bool:
        """Whether anything from here on was made with our key: then only single records were changed."""
        head = self.state.head
        if any(self._fits(row, row["seq"]) for row in _rows(self.tx, self.seq, self.state.last)):
            return True
        if head is None or not self.state.head_genuine:
            return False
        last = self.tx.execute(sa.select(_TABLE.c.hash).where(_TABLE.c.seq == self.state.last)).scalar()
        return self.seq == self.state.last or last == head.hash

    def _origin(self, row: Row) -> int | None:
        """The number under which the record was written, if it is genuine: near ones first, then all."""
        here = int(row["seq"])
        most = max(self.state.last, self.state.head.seq if self.state.head_genuine and self.state.head else 0)
        for seq in chain((here, here - 1, here + 1), range(1, most + 1)):
            if self._fits(row, seq):
                return seq
        return None

    def _fits(self, row: Row, seq: int) -> bool:
        return bool(hash_of(self.key, row | {"seq": seq}) == row["hash"])


def _rows(tx: Tx, after: int | None, last: int) -> Iterator[Row]:
    """Rows above a number (all, if None) up to `last`, in batches by key."""
    while True:
        query = sa.select(*_RAW).where(_TABLE.c.seq <= last).order_by(_TABLE.c.seq).limit(_BATCH)
        if after is not None:
            query = query.where(_TABLE.c.seq > after)
        batch = [dict(row._mapping) for row in tx.execute(query)]
        yield from batch
        if len(batch) < _BATCH:
            return
        after = batch[-1]["seq"]
