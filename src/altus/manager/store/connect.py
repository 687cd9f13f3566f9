"""How SQLite and PostgreSQL are opened, and what their errors mean."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.util import LRUCache

from altus.common.errors import AltusError, Conflict, Internal, InvalidInput, Unavailable

# The server ends the transaction of a frozen manager, which would otherwise hold the writers' lock for ever.
_WRITER_OPTIONS = "-c idle_in_transaction_session_timeout=3000 -c lock_timeout=10000"
# Readers hold nothing that others wait for; but an old state that is looked at for ever could not be cleaned up.
_READER_OPTIONS = "-c idle_in_transaction_session_timeout=60000 -c lock_timeout=10000"
_POSTGRESQL = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class _Statements(LRUCache[Any, Any]):
    """Statements that are compiled already, by dialect's name: SQLAlchemy on its own compiles each one anew for every
    engine, so for the writer and for the readers of one database."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_by_name(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(_by_name(key), compiled)


def _by_name(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return (dialect.name, dialect.driver, *statement)


_EVERYWHERE = {"compiled_cache": _Statements(1000)}


def is_sqlite(url: sa.URL) -> bool:
    """Whether it is the embedded database."""
    return url.get_backend_name() == "sqlite"


def lock_file(url: sa.URL) -> int:
    """Take the lock of a SQLite database, which serves one manager: the kernel says at once whether another one lives.

    Returns the handle that holds it; `Conflict` (`database.in_use`).
    """
    path = Path(f"{url.database}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise Conflict("Another manager is using this database.", code="database.in_use",
                       hint="Stop it first, or move to PostgreSQL for several managers.") from error  # fmt: skip
    return handle


def writer(url: sa.URL) -> sa.Engine:
    """The one connection that writes."""
    if is_sqlite(url):
        # Locked from the start: a deferred transaction that begins to write later can lose updates.
        return _sqlite(url, 1, "BEGIN IMMEDIATE")
    return sa.create_engine(url, pool_pre_ping=True, pool_size=1, max_overflow=0, execution_options=_EVERYWHERE,
                            connect_args={**_POSTGRESQL, "options": _WRITER_OPTIONS})  # fmt: skip


def readers(url: sa.URL, count: int) -> sa.Engine:
    """Connections that see one state of the database for the whole of a transaction, and cannot write."""
    if is_sqlite(url):
        return _sqlite(url, count, "BEGIN", "query_only=ON")
    return sa.create_engine(url, pool_pre_ping=True, pool_size=count, max_overflow=0,
                            connect_args={**_POSTGRESQL, "options": _READER_OPTIONS},
                            isolation_level="REPEATABLE READ",
                            execution_options={**_EVERYWHERE, "postgresql_readonly": True})  # fmt: skip


def translated(error: Exception) -> Exception:
    """What a failure of the database means for who asked; errors of other origin stay as they are."""
    if isinstance(error, exc.IntegrityError):
        return Conflict("That already exists.", code="database.duplicate", hint="Choose another name.")
    if isinstance(error, exc.DataError):
        return InvalidInput("A value cannot be stored.", code="database.value",
                            hint="Texts must not contain the character NUL.")  # fmt: skip
    if isinstance(error, exc.DBAPIError) and _is_ours(error):
        return Internal("A question to the database was wrong.", hint="See the manager's log.")
    if isinstance(error, exc.DBAPIError | exc.TimeoutError):
        cause = getattr(error, "orig", None) or error
        return Unavailable("The database does not answer.", code="database.unavailable",
                           hint=f"See the manager's log. ({type(cause).__name__})")  # fmt: skip
    if isinstance(error, exc.SQLAlchemyError) and not isinstance(error, AltusError):
        return Internal("A question to the database could not be asked.", hint="See the manager's log.")
    return error


def _is_ours(error: exc.DBAPIError) -> bool:
    """Whether the statement is to blame, not the database's condition."""
    if error.connection_invalidated:
        return False
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorcode == sqlite3.SQLITE_ERROR
    return isinstance(error, exc.ProgrammingError | exc.NotSupportedError)


def _sqlite(url: sa.URL, connections: int, begin: str, *pragmas: str) -> sa.Engine:
    engine = sa.create_engine(url, pool_size=connections, max_overflow=0, execution_options=_EVERYWHERE,
                              connect_args={"check_same_thread": False, "timeout": 10})  # fmt: skip

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would always be deferred
        for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", *pragmas):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def start(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
