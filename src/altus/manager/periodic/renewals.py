"""Renews hosts' certificates when a third of their life is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from altus.common.errors import AltusError, Unavailable
from altus.manager.services.changes import Changes, Idempotency
from altus.manager.services.hosts import InventoryService
from altus.manager.store import certificates
from altus.manager.store import tasks as rows
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST
from altus.manager.tasks.host_renew import HOST_RENEW
from altus.model.actor import Actor, Right
from altus.model.host_action import HostAction, refusal
from altus.model.permission import Permission
from altus.model.resource import utc_now

_log = structlog.get_logger(__name__)
_EVERY = 60.0
PAUSE = timedelta(hours=1)
"""How long a host is left alone after a renewal that failed."""
ACTOR = Actor(account_id="", name="altus", source="local",
              rights=(Right(frozenset({Permission.HOST_READ, Permission.HOST_WRITE})),))  # fmt: skip
"""Who asks for what nobody has asked for."""


class Renewals:
    """Submits `host.renew` where it is time. All managers may do so at once: what they ask for is one task, since its
    key is made of the certificate and of the attempt before."""

    def __init__(self, changes: Changes, inventory: InventoryService, now: Callable[[], datetime] = utc_now) -> None:
        self._changes = changes
        self._inventory = inventory
        self._now = now

    async def run(self) -> None:
        """Once a minute, until cancelled."""
        while True:
            try:
                await self.submit()
            except Unavailable as error:
                _log.warning("renewals put off", error=error.message)
            await asyncio.sleep(_EVERY)

    async def submit(self) -> None:
        """Ask for those that are due now; `Unavailable` without the database."""
        for host_id, key in (await self._changes.db.read(self._due)).items():
            try:
                change = await self._inventory.change_host(ACTOR, host_id, HostAction.RENEW)
                task = await self._changes.submit(ACTOR, change, Idempotency.of(key, host_id.encode()))
            except AltusError as error:
                _log.warning("a host's certificate is not renewed", host=host_id, error=error.message)
            else:
                _log.info("a host's certificate is renewed", host=host_id, task=task.id)

    def _due(self, tx: Tx) -> dict[str, str]:
        """Host → key of the request, for hosts that answer."""
        now, due = self._now(), {}
        for host_id, number in certificates.to_renew(tx, now.timestamp()).items():
            host, last = HOST.peek(tx, host_id), rows.latest(tx, HOST_RENEW.kind, host_id)
            if host is None or refusal(host, HostAction.RENEW):
                continue
            if last is None or (last.finished_at is not None and last.finished_at <= now - PAUSE):
                due[host_id] = f"renew {host_id} {number:x} {last.id if last is not None else ''}"
        return due
