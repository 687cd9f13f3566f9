"""The three administrators, on a fresh database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from altus.common.ids import new_id
from altus.manager.services.access import actor_of
from altus.manager.services.security import Security, open_security
from altus.manager.store.accounts import ACCOUNT
from altus.manager.store.database import Database, Tx
from altus.model.account import Account
from altus.model.actor import Actor
from altus.model.query import ListQuery
from altus.model.resource import utc_now


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = field(default_factory=utc_now)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Office:
    """All services, and who asks them."""

    security: Security
    db: Database
    clock: Clock
    passwords: dict[str, str]

    async def actor(self, name: str) -> Actor:
        """The account as it may now, as if it had a session."""

        def look(tx: Tx) -> Actor:
            return actor_of(tx, ACCOUNT.find(tx, name))

        return await self.db.read(look)

    async def person(self, name: str) -> Account:
        """A new account without rights; quick: it has no password."""
        account = Account(id=new_id(), name=name)
        await self.db.write(lambda tx: ACCOUNT.insert(tx, account))
        return account

    async def trail(self) -> list[tuple[str, str, str, str]]:
        """Actor, action, outcome and error of every record."""
        auditor = await self.actor("auditadmin")
        page = await self.security.audit.list(auditor, ListQuery(sort="seq", limit=1000))
        return [(r.actor_name, r.action, r.outcome.value, r.error_code) for r in page.items]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def office(db: Database, tmp_path: Path, clock: Clock) -> AsyncIterator[Office]:
    security = open_security(db, tmp_path / "audit.key", tmp_path / "audit.anchor", clock)
    kept: list[dict[str, str]] = []
    passwords = await security.local.bootstrap(lambda made: kept.append(dict(made)))
    assert kept == [passwords]
    yield Office(security, db, clock, passwords)
    await security.close()


@pytest.fixture
def anchor_path(tmp_path: Path) -> Path:
    return tmp_path / "audit.anchor"
