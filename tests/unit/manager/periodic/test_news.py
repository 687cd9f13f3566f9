"""News of other managers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from altus.manager.periodic import news
from altus.manager.store import events
from altus.manager.store.database import Database
from altus.manager.store.tables import Event
from altus.model.resource import utc_now


@pytest.mark.functional
async def test_what_another_manager_writes_wakes_who_waits_here(new_url: Callable[[str], str]) -> None:
    url = new_url("postgresql")
    here, there = Database(url), Database(url)
    looking = asyncio.create_task(news.run(here, every=0.01))
    try:
        seen = here.news.count
        await there.write(lambda tx: events.emit(tx, Event(at=utc_now(), kind="vm.changed", noun="vm", object_id="x")))
        assert await here.news.wait(seen, 20.0) > seen
    finally:
        looking.cancel()
        here.close()
        there.close()


async def test_a_manager_alone_looks_at_nothing(sqlite_db: Database) -> None:
    await asyncio.wait_for(news.run(sqlite_db), 60.0)
    assert sqlite_db.news.count == 0
