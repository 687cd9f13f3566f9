"""Sites."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from altus.manager.store.database import Database
from tests.unit.manager.changes.site import Site


@pytest.fixture
async def site(sqlite_db: Database, tmp_path: Path) -> AsyncIterator[Site]:
    """One host, on SQLite."""
    site = await Site.new(sqlite_db, tmp_path)
    yield site
    await site.agents.close()


@pytest.fixture
async def any_site(db: Database, tmp_path: Path) -> AsyncIterator[Site]:
    """One host, on either database."""
    site = await Site.new(db, tmp_path)
    yield site
    await site.agents.close()
