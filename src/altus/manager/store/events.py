"""The outbox: every change as an event, in the order of commits; the stream to clients reads it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from altus.manager.store.database import Tx
from altus.manager.store.tables import EVENTS, Event

_TABLE = EVENTS.table
_INSERT = _TABLE.insert().inline()


def emit(tx: Tx, event: Event) -> None:
    """Write the event; whoever waits for the database's `news` is woken when it is committed."""
    row = EVENTS.dump(event)
    del row["seq"]
    tx.execute(_INSERT, row)
    if tx.news.set not in tx.committed:
        tx.on_commit(tx.news.set)


def after(tx: Tx, seq: int, limit: int = 500) -> list[Event]:
    """Events with a number above `seq`, oldest first."""
    rows = tx.execute(sa.select(_TABLE).where(_TABLE.c.seq > seq).order_by(_TABLE.c.seq).limit(limit))
    return [EVENTS.load(row) for row in rows]


def of_object(tx: Tx, object_id: str, limit: int = 200) -> list[Event]:
    """The newest events of one object, newest first."""
    query = sa.select(_TABLE).where(_TABLE.c.object_id == object_id).order_by(_TABLE.c.seq.desc()).limit(limit)
    return [EVENTS.load(row) for row in tx.execute(query)]


def last(tx: Tx) -> int:
    """The number of the newest event; 0 if there is none."""
    return int(tx.execute(sa.select(sa.func.max(_TABLE.c.seq))).scalar() or 0)


def forget_before(tx: Tx, moment: datetime) -> int:
    """Delete events older than `moment`; returns how many."""
    return tx.execute(_TABLE.delete().where(_TABLE.c.at < moment)).rowcount
