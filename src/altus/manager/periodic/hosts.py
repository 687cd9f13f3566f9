"""Keeps an event stream open to the agent of every enrolled host."""

from __future__ import annotations

import asyncio

import structlog

from altus.common.errors import Unavailable
from altus.manager.agents.pool import AgentPool
from altus.manager.services.observe import Observer
from altus.manager.store.database import Database
from altus.manager.store.resources import HOST

_log = structlog.get_logger(__name__)
_LOOK_AGAIN = 5.0


class HostWatch:
    """Follows the hosts that the database knows; enrolled ones join at once, since their row leaves an event."""

    def __init__(self, db: Database, pool: AgentPool) -> None:
        self._db = db
        self._pool = pool
        self._observer = Observer(db)
        self._watches: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                seen = self._db.news.count
                await self._follow()
                await self._db.news.wait(seen, _LOOK_AGAIN)
        finally:
            for watch in self._watches.values():
                watch.cancel()
            await asyncio.gather(*self._watches.values(), return_exceptions=True)

    async def _follow(self) -> None:
        try:
            hosts = {host.id: host for host in await self._db.read(HOST.all) if host.address}
        except Unavailable:
            return
        for host in hosts.values():
            self._pool.add(host.id, host.address)
            if host.id not in self._watches:
                self._watches[host.id] = asyncio.create_task(self._pool.watch(host.id, self._observer))
        for host_id in self._watches.keys() - hosts.keys():
            self._watches.pop(host_id).cancel()
            self._pool.remove(host_id)
