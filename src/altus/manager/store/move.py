"""Moving everything from one database to another: SQLite to PostgreSQL when a second manager is to come, or back.

No manager may run meanwhile. Killed at any moment, one of the two databases is whole and is the one that managers start
on; the same call again finishes the move. In the end only the new one is: the old one says where its content went.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from altus.common.errors import Conflict
from altus.manager.store import lease as leases
from altus.manager.store import migrate
from altus.manager.store.database import Database, Tx
from altus.manager.store.tables import LEASES

MOVED, ARRIVING = "moved", "arriving"
"""Names of rows among the leases which keep managers away; the holder is the other database."""
_PIECE = 1000


async def move(source: Database, target: Database, arrived: Callable[[Tx], None]) -> None:
    """Move all rows; `arrived` writes into the target's last transaction, after which managers may start there.

    `Conflict`: a manager runs (`database.in_use`), the target holds something (`database.not_empty`), or the source is
    not where the content is (`database.moved`, `database.arriving`).
    """
    await migrate.upgrade(source)
    await migrate.upgrade(target)
    if await source.read(lambda tx: _mark(tx, MOVED)) is None:
        await source.read(require_home)
        await source.read(_require_idle)
        await target.write(lambda tx: _fill(tx, source))
        await source.write(lambda tx: _leave(tx, _name(target)))
    elif await target.read(lambda tx: _mark(tx, ARRIVING)) != _name(source):
        await source.read(require_home)

    def finish(tx: Tx) -> None:
        tx.execute(LEASES.delete().where(LEASES.c.name == ARRIVING))
        arrived(tx)

    await target.write(finish)


def require_home(tx: Tx) -> None:
    """`Conflict` (`database.moved`, `database.arriving`) if this database is not, or not yet, the one to work with."""
    if (there := _mark(tx, MOVED)) is not None:
        raise Conflict(f"What this database held was moved to {there}.", code="database.moved",
                       hint="Set `database` in the manager's settings to that one.")  # fmt: skip
    if (origin := _mark(tx, ARRIVING)) is not None:
        raise Conflict(f"The move from {origin} to this database was interrupted.", code="database.arriving",
                       hint="Call `altus-manager move-database` again with the settings it had.")  # fmt: skip


def _name(database: Database) -> str:
    """Its URL, without a password."""
    return database.url.render_as_string(hide_password=True)


def _mark(tx: Tx, name: str) -> str | None:
    found: str | None = tx.execute(sa.select(LEASES.c.holder).where(LEASES.c.name == name)).scalar_one_or_none()
    return found


def _set_mark(tx: Tx, name: str, other: str) -> None:
    tx.execute(LEASES.delete().where(LEASES.c.name == name))
    tx.execute(LEASES.insert().values(name=name, holder=other, epoch=0, expires_at=0.0))


def _require_idle(tx: Tx) -> None:
    """On SQLite the file's lock has told already."""
    lease = leases.current(tx)
    if tx.connection.dialect.name != "sqlite" and lease is not None and lease.expires_at > tx.now():
        raise Conflict(f"Manager {lease.holder} is using the database.", code="database.in_use",
                       hint="Stop all managers first.")  # fmt: skip


def _leave(tx: Tx, target: str) -> None:
    """Nobody takes the lease here any more, not even a manager that started a moment ago."""
    _require_idle(tx)
    leases.acquire(tx, f"{MOVED} to {target}", math.inf, force=True)
    _set_mark(tx, MOVED, target)


def _fill(tx: Tx, source: Database) -> None:
    """Let the target be a copy, not to be used yet; what an earlier move left there or took from there goes."""
    if tx.connection.dialect.name == "postgresql":
        tx.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))  # the other database may be slow
    _require_replaceable(tx)
    tables = migrate.metadata().sorted_tables
    for table in reversed(tables):
        tx.execute(table.delete())
    with source.snapshot() as old:
        for table in tables:
            for rows in _pieces(old, table):
                tx.execute(table.insert(), rows)
            _count_on(tx, table)
    tx.execute(LEASES.update().where(LEASES.c.name == leases.NAME).values(expires_at=0.0))
    _set_mark(tx, ARRIVING, _name(source))


def _require_replaceable(tx: Tx) -> None:
    used = any(tx.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None
               for table in migrate.metadata().sorted_tables)  # fmt: skip
    if used and _mark(tx, MOVED) is None and _mark(tx, ARRIVING) is None:
        raise Conflict("The database to move to is in use already: it is not empty.", code="database.not_empty",
                       hint="Create a new one.")  # fmt: skip


def _pieces(old: Tx, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    found = old.execute(sa.select(table).execution_options(yield_per=_PIECE))
    for piece in found.mappings().partitions():
        yield [dict(row) for row in piece]


def _count_on(tx: Tx, table: sa.Table) -> None:
    """The database goes on numbering after the highest number; SQLite does so by itself."""
    key = table.autoincrement_column
    if tx.connection.dialect.name != "postgresql" or key is None:
        return
    sequence = sa.func.pg_get_serial_sequence(table.name, key.name)
    tx.execute(sa.select(sa.func.setval(sequence, sa.func.coalesce(sa.func.max(key), 0) + 1, False)))
