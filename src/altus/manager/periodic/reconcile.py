"""Compares what hosts have with the database, by itself: raises and clears alarms, and has repaired what is certain."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable

import structlog

from altus.common.errors import AltusError
from altus.manager.agents.watch import HostNews, HostWatcher
from altus.manager.services.doctor import DoctorService
from altus.manager.services.repairs import Repairs
from altus.manager.store import alarms
from altus.manager.store import lease as leases
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST
from altus.model.alarm import Alarm, alarm_of
from altus.model.consistency import Finding
from altus.wire.agent import Hello

_LOOK_AGAIN = 30.0
_PAUSE = 1.0
_REST, _LONGEST_REST = 10.0, 20.0
"""A look that takes a second is followed by so many seconds of rest, so that a busy host is not made busier; at most
that many. One that found something new is followed by the next one soon."""
SILENT = "host.silent"
_log = structlog.get_logger(__name__)


class Reconciler:
    """Follows every host while this manager has the lease.

    It looks when a host tells anything, and every `look_again` seconds. What is found by two looks in a row stands as
    an alarm: between the moment that a host is asked and that the database is read, things may rightly change.
    """

    def __init__(self, doctor: DoctorService, repairs: Repairs, *, look_again: float = _LOOK_AGAIN,
                 pause: float = _PAUSE) -> None:  # fmt: skip
        self._doctor = doctor
        self._db = doctor.world.db
        self._repairs = repairs
        self._look_again = look_again
        self._pause = pause
        self._touched: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def touch(self, host_id: str) -> None:
        """Something happened on a host."""
        self._touched[host_id].set()

    async def follow(self, host_id: str, epoch: int) -> None:
        """Look at one host again and again, until cancelled."""
        before: list[Finding] = []
        while True:
            self._touched[host_id].clear()
            begun = time.monotonic()
            try:
                found = await self.look(host_id, epoch, before)
            except AltusError as error:
                _log.warning("a host was not compared with the database", host=host_id, error=error.message)
                found = before
            await asyncio.sleep(self._pause)
            if found == before:
                await asyncio.sleep(min(_REST * (time.monotonic() - begun - self._pause), _LONGEST_REST))
                await self._wait(host_id)
            before = found

    async def look(self, host_id: str, epoch: int, before: list[Finding]) -> list[Finding]:
        """Compare, and act on what was found `before` as well; returns what is found now."""
        host = await self._db.read(lambda tx: HOST.peek(tx, host_id))
        if host is None:
            return []
        _, found = await self._doctor.look(host)
        known = {(finding.kind, finding.object_id) for finding in before}
        sure = [finding for finding in found if (finding.kind, finding.object_id) in known]
        await self._tell(host_id, epoch, found, sure)
        await self._repairs.submit(sure)
        return found

    async def forget(self, epoch: int) -> None:
        """Clear alarms of hosts that are in the database no more."""

        def work(tx: Tx) -> None:
            leases.fence(tx, epoch)
            alarms.forget_hosts(tx, [host.id for host in HOST.all(tx)])

        await self._db.write(work)

    async def _tell(self, host_id: str, epoch: int, found: list[Finding], sure: list[Finding]) -> None:
        """Raise what is sure, keep what stands and is still found, clear the rest. Of a silent host nothing else is
        known than that it is silent: what stood, stands."""
        silent = any(finding.kind == SILENT for finding in found)

        def wanted(tx: Tx) -> list[Alarm]:
            there = {alarm.id for alarm in alarms.ALARM.all(tx)}
            kept = alarms.ALARM.all(tx, alarms.ALARM.table.c.host_id == host_id) if silent else []
            seen = [alarm_of(host_id, finding) for finding in found]
            certain = {alarm_of(host_id, finding).id for finding in sure}
            return kept + [alarm for alarm in seen if alarm.id in certain or alarm.id in there]

        def work(tx: Tx) -> None:
            leases.fence(tx, epoch)
            alarms.settle(tx, host_id, wanted(tx))

        if await self._db.read(lambda tx: alarms.differ(tx, host_id, wanted(tx))):
            await self._db.write(work)

    async def _wait(self, host_id: str) -> None:
        try:
            async with asyncio.timeout(self._look_again):
                await self._touched[host_id].wait()
        except TimeoutError:
            return


class Listener:
    """Passes on what a host tells, and then touches it."""

    def __init__(self, watcher: HostWatcher, touch: Callable[[str], None]) -> None:
        self._watcher = watcher
        self._touch = touch

    async def on_hello(self, hello: Hello) -> None:
        """See `HostWatcher`."""
        await self._watcher.on_hello(hello)
        self._touch(hello.host_id)

    async def on_news(self, host_id: str, news: HostNews) -> None:
        """See `HostWatcher`."""
        await self._watcher.on_news(host_id, news)
        self._touch(host_id)

    async def on_down(self, host_id: str) -> None:
        """See `HostWatcher`."""
        await self._watcher.on_down(host_id)
        self._touch(host_id)
