"""Sites."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from altus.manager.store.database import Database
from tests.unit.manager.changes.site import Site


def _hosts(request: pytest.FixtureRequest) -> int:
    """As many as the test's case needs."""
    case = request.node.callspec.params.get("case") if hasattr(request.node, "callspec") else None
    return 1 if case is None else int(case.hosts)


@pytest.fixture
async def site(sqlite_db: Database, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """One host, or as many as the case needs, on SQLite."""
    site = await Site.new(sqlite_db, tmp_path, _hosts(request))
    yield site
    await site.agents.close()


@pytest.fixture
async def any_site(db: Database, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """One host, or as many as the case needs, on either database."""
    site = await Site.new(db, tmp_path, _hosts(request))
    yield site
    await site.agents.close()


@pytest.fixture
async def pair(sqlite_db: Database, tmp_path: Path) -> AsyncIterator[Site]:
    """Two hosts with storage and networks in common."""
    site = await Site.new(sqlite_db, tmp_path, 2)
    yield site
    await site.agents.close()
