"""The outbox: every change as an event, in the order of commits; the stream to clients reads it."""

from __future__ import annotations

import asyncio
from typing import Any

import sqlalchemy as sa

from altus.manager.store.database import Tx
from altus.manager.store.tables import EVENTS, Event

_TABLE = EVENTS.table


def emit(tx: Tx, event: Event) -> None:
    """Write the event; whoever waits on the `Signal` of this database is woken when it is committed."""
    row = EVENTS.dump(event)
    del row["seq"]
    tx.execute(_TABLE.insert().values(row))


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


def forget_before(tx: Tx, moment: Any) -> int:
    """Delete events older than `moment` (a datetime); returns how many."""
    return tx.execute(_TABLE.delete().where(_TABLE.c.at < moment)).rowcount


class Signal:
    """Wakes whoever waits for news. Missing a wake-up is impossible: waiting compares a counter."""

    def __init__(self) -> None:
        self._count = 0
        self._condition = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        """How often it was set."""
        return self._count

    def set(self) -> None:
        """Wake everyone (on the event loop)."""
        self._count += 1
        task = asyncio.get_running_loop().create_task(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._condition:
            self._condition.notify_all()

    async def wait(self, seen: int, timeout: float) -> int:
        """Return the counter once it is above `seen`, or after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout), self._condition:
                await self._condition.wait_for(lambda: self._count > seen)
        except TimeoutError:
            pass
        return self._count
