"""Forgets what is older than it has to be kept: events, finished tasks, ended sessions and tokens."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from altus.common.errors import Unavailable
from altus.manager.services.security import Security
from altus.manager.settings import ManagerSettings
from altus.manager.store import events, tasks
from altus.manager.store.database import Database, Tx
from altus.model.resource import utc_now

_log = structlog.get_logger(__name__)
_EVERY = 3600.0


async def run(db: Database, security: Security, settings: ManagerSettings) -> None:
    """Once an hour, until cancelled."""
    while True:
        try:
            await db.write(lambda tx: _forget(tx, settings))
            await security.sessions.forget_expired()
            await security.tokens.forget_expired()
        except Unavailable as error:
            _log.warning("retention put off", error=error.message)
        await asyncio.sleep(_EVERY)


def _forget(tx: Tx, settings: ManagerSettings) -> None:
    now = utc_now()
    events.forget_before(tx, now - timedelta(days=settings.keep_events_days))
    tasks.forget_finished_before(tx, now - timedelta(days=settings.keep_tasks_days))
