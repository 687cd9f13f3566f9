"""Alarms that stand, for those who look after the pool."""

from __future__ import annotations

from altus.manager.store.alarms import ALARM
from altus.manager.store.database import Database
from altus.model.actor import Actor
from altus.model.alarm import Alarm
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page


class AlarmService:
    """Reads them; the reconciler raises and clears them."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def page(self, actor: Actor, query: ListQuery) -> Page[Alarm]:
        """A page of alarms."""
        actor.require(Permission.ALARM_READ)
        return await self.db.read(lambda tx: ALARM.page(tx, query))
