"""What other managers write is news here, too: on PostgreSQL the newest event's number is looked at again and again."""

from __future__ import annotations

import asyncio

import structlog

from altus.common.errors import Unavailable
from altus.manager.store import events
from altus.manager.store.database import Database

_log = structlog.get_logger(__name__)
_EVERY = 0.5


async def run(db: Database, every: float = _EVERY) -> None:
    """Until cancelled. Own commits have set `db.news` at once; this only finds those of others, `every` seconds."""
    if db.is_sqlite:  # it serves one manager only
        return
    seen = 0
    while True:
        try:
            newest = await db.read(events.last)
        except Unavailable as error:
            _log.warning("events cannot be read now", error=error.message)
        else:
            if newest != seen:
                seen = newest
                db.news.set()
        await asyncio.sleep(every)
