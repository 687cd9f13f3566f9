"""Places where engines may run."""

from __future__ import annotations

import pytest

from altus.manager.store.database import Database
from tests.unit.manager.tasks.things import Place


@pytest.fixture
def place(sqlite_db: Database) -> Place:
    """A host that has made nothing, on SQLite."""
    return Place.new(sqlite_db)


@pytest.fixture
def any_place(db: Database) -> Place:
    """A host that has made nothing, on either database."""
    return Place.new(db)
