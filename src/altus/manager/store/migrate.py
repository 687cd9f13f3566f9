"""Brings the database's tables up to date when the manager starts."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import sqlalchemy as sa

import altus.manager.store
from altus.manager.store.database import Database, Tx
from altus.manager.store.tables import METADATA

FOLDER = Path(__file__).parent / "migrations"


async def upgrade(database: Database, revision: str = "head") -> None:
    """Lead the tables to `revision` in one transaction, whatever they are at; two managers do so one after another.

    `Conflict` (`database.newer`) if a newer version of Altus has used this database.
    """
    if revision == "head" and await database.read(_is_current):
        return  # the usual start: without Alembic, which takes half a second and 20 MB
    from altus.manager.store.revisions import lead_up

    await database.write(lambda tx: lead_up(tx, revision))


async def downgrade(database: Database, revision: str) -> None:
    """Take the tables back to `revision` ("base": none)."""
    from altus.manager.store.revisions import lead_down

    await database.write(lambda tx: lead_down(tx, revision))


def metadata() -> sa.MetaData:
    """All tables, whichever module of the store declares them."""
    for module in pkgutil.iter_modules(altus.manager.store.__path__, "altus.manager.store."):
        if not module.ispkg:
            importlib.import_module(module.name)
    return METADATA


def _is_current(tx: Tx) -> bool:
    """Whether the database is at our newest migration. They are numbered: `0001_….py`, and so is their revision."""
    newest = max(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))
    if not sa.inspect(tx.connection).has_table("alembic_version"):
        return False
    at: str | None = tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return at == newest
