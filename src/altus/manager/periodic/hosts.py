"""Connections to the agents of all enrolled hosts, and their event streams."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa
import structlog

from altus.common.errors import AltusError, Unavailable
from altus.manager.agents.pool import AgentPool
from altus.manager.periodic.reconcile import Listener, Reconciler
from altus.manager.services.observe import Observer
from altus.manager.store import certificates
from altus.manager.store.database import Database, Tx
from altus.manager.store.lease import Lease
from altus.manager.store.resources import HOST
from altus.wire.operations import CERTIFICATES_REVOKE, CertificatesRevoked

_log = structlog.get_logger(__name__)
_LOOK_AGAIN = 5.0
_LOOK_PAUSE = 0.2
"""Seconds: every commit is news, and few of them are about hosts."""
_FIRST_HELLO = 10.0


class HostWatch:
    """Knows the hosts of the database; enrolled ones join at once, since their row leaves an event."""

    def __init__(self, db: Database, pool: AgentPool, reconciler: Reconciler) -> None:
        self._db = db
        self._pool = pool
        self._reconciler = reconciler
        self._reading = asyncio.Lock()

    async def connect(self) -> None:
        """Keep the addresses of all hosts, on every manager, until cancelled: consoles and uploads need them."""
        while True:
            seen = self._db.news.count
            await self._addresses()
            await asyncio.sleep(_LOOK_PAUSE)
            await self._db.news.wait(seen, _LOOK_AGAIN)

    async def watch(self, lease: Lease) -> None:
        """Follow what all hosts see and write it down under the lease, until cancelled."""
        observer = Observer(self._db, lease.epoch)
        watches: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                seen = self._db.news.count
                hosts = await self._addresses()
                for host_id in hosts - watches.keys():
                    watches[host_id] = asyncio.create_task(self._watch(host_id, observer))
                for host_id in watches.keys() - hosts:
                    watches.pop(host_id).cancel()
                    await self._reconciler.forget(lease.epoch)
                await self._settle(observer)
                await asyncio.sleep(_LOOK_PAUSE)
                await self._db.news.wait(seen, _LOOK_AGAIN)
        finally:
            for watch in watches.values():
                watch.cancel()
            await asyncio.gather(*watches.values(), return_exceptions=True)

    async def _watch(self, host_id: str, observer: Observer) -> None:
        listener = Listener(observer, self._reconciler.touch)
        await asyncio.gather(self._pool.watch(host_id, listener), self._doubt(host_id, observer),
                             self._tell_revoked(host_id, observer.epoch),
                             self._reconciler.follow(host_id, observer.epoch))  # fmt: skip

    async def _tell_revoked(self, host_id: str, epoch: int) -> None:
        """Which certificates of hosts are not to be believed: all of them, whenever the host begins to tell what it
        sees, and when they are others. Until cancelled."""
        told: tuple[int, frozenset[int]] | None = None
        while True:
            seen = self._db.news.count
            now = (self._pool.greetings(host_id), self._pool.revoked)
            if now[0] and now != told:
                try:
                    serials = [f"{number:x}" for number in sorted(now[1])]
                    await self._pool.call(host_id, CERTIFICATES_REVOKE, CertificatesRevoked(serials=serials),
                                          epoch=epoch)  # fmt: skip
                    told = now
                except AltusError as error:
                    _log.warning("revoked certificates not told", host=host_id, error=error.message)
            await asyncio.sleep(_LOOK_PAUSE)
            await self._db.news.wait(seen, _LOOK_AGAIN)

    async def _settle(self, observer: Observer) -> None:
        try:
            await observer.settle()
        except Unavailable as error:
            _log.warning("what was seen is not written yet", error=error.message)

    async def _doubt(self, host_id: str, observer: Observer) -> None:
        """A host that was up when the last manager looked, and is silent now, has never gone down for this one."""
        try:
            if not await self._pool.wait_up(host_id, _FIRST_HELLO) and not self._pool.is_up(host_id):
                await observer.on_down(host_id)
        except AltusError as error:
            _log.info("silence not noted", host=host_id, error=error.message)

    async def _addresses(self) -> set[str]:
        """The ids of all hosts that have been enrolled; what the pool knows is brought up to date. One reader at a
        time: an older answer must not remove a host which a newer one has brought."""
        async with self._reading:
            try:
                hosts, revoked = await self._db.read(lambda tx: (_enrolled(tx), certificates.revoked(tx)))
            except Unavailable as error:
                _log.warning("hosts not read", error=error.message)
                return self._pool.known()
            await self._pool.distrust(revoked)
            for host_id, address in hosts.items():
                self._pool.add(host_id, address)
            for host_id in self._pool.known() - hosts.keys():
                self._pool.remove(host_id)
            self._pool.complete()
            return set(hosts)


def _enrolled(tx: Tx) -> dict[str, str]:
    """Addresses by hosts' ids; asked for at every change of anything, so no more than these."""
    columns = HOST.table.c
    rows = tx.execute(sa.select(columns.id, columns.address).where(columns.address != ""))
    return {row.id: row.address for row in rows}
