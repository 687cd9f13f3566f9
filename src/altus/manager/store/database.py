"""One database, one writer.

All writes of a manager go through one thread, in order, and several waiting ones share a commit. Transactions are plain
functions without `await`, so none can stay open across a network call. On PostgreSQL an advisory lock puts the
writers of all managers in one line too: no deadlock, no serialization failure, and event numbers appear in the order
in which they were committed. See docs/adr/0002-one-writer.md.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from altus.common.errors import AltusError, Conflict, Unavailable

R = TypeVar("R")
_WRITER_LOCK = 0x616C747573  # "altus", the advisory lock's number
_MAX_BATCH = 64
_READERS = 4


class LeaseLostError(AltusError):
    """Another manager runs the tasks now; whatever this one had in mind must not be written."""

    kind = "unavailable"
    default_code = "lease.lost"


@dataclass
class Tx:
    """An open transaction. `committed` collects what to call on the event loop once it is durable."""

    connection: sa.Connection
    committed: list[Callable[[], None]] = field(default_factory=list)

    def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
        """Run one statement."""
        return self.connection.execute(statement, parameters)

    def on_commit(self, call: Callable[[], None]) -> None:
        """Call this on the event loop after the commit; not at all if there is none."""
        self.committed.append(call)

    def now(self) -> float:
        """The database's clock in seconds since 1970: the only clock that leases trust."""
        if self.connection.dialect.name == "postgresql":
            return float(self.connection.scalar(sa.text("SELECT extract(epoch FROM clock_timestamp())")) or 0)
        return float(self.connection.scalar(sa.text("SELECT (julianday('now') - 2440587.5) * 86400.0")) or 0)


@dataclass
class _Job:
    work: Callable[[Tx], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]

    def answer(self, result: Any, error: BaseException | None, committed: list[Callable[[], None]]) -> None:
        def deliver() -> None:
            for call in committed:
                call()
            if self.future.done():
                return
            if error is not None:
                self.future.set_exception(error)
            else:
                self.future.set_result(result)

        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(deliver)


class Database:
    """SQLite (`sqlite:///path`) or PostgreSQL (`postgresql+psycopg://…`)."""

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._file_lock = self._lock_file() if self.is_sqlite else None
        self.engine = _create_engine(self.url)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_loop, name="altus-db-writer", daemon=True)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="altus-db-reader")
        self._writer.start()

    async def write(self, work: Callable[[Tx], R]) -> R:
        """Run `work` in a write transaction and return its result once it is committed.

        An exception in `work` rolls it back and is raised here. `Unavailable` (`database.unavailable`) if the database
        does not answer: then it is not known whether the commit happened.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._jobs.put(_Job(work, loop, future))
        return await future

    async def read(self, work: Callable[[Tx], R]) -> R:
        """Run `work` in a read transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def close(self) -> None:
        """Finish what is queued and let go of everything."""
        self._jobs.put(None)
        self._writer.join()
        self._readers.shutdown()
        self.engine.dispose()
        if self._file_lock is not None:
            os.close(self._file_lock)
            self._file_lock = None

    def _lock_file(self) -> int:
        """SQLite serves one manager: the kernel says at once whether another one lives."""
        path = Path(f"{self.url.database}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise Conflict("Another manager is using this database.", code="database.in_use",
                           hint="Stop it first, or move to PostgreSQL for several managers.") from error  # fmt: skip
        return handle

    def _read(self, work: Callable[[Tx], R]) -> R:
        try:
            with self.engine.connect() as connection:
                return work(Tx(connection))
        except DBAPIError as error:
            raise _translated(error) from error

    def _write_loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch = [job]
            ended = False
            while len(batch) < _MAX_BATCH and not self._jobs.empty():
                following = self._jobs.get()
                if following is None:
                    ended = True
                    break
                batch.append(following)
            self._write_batch(batch)
            if ended:
                return

    def _write_batch(self, batch: list[_Job]) -> None:
        outcomes: list[tuple[Any, BaseException | None, list[Callable[[], None]]]] = []
        try:
            with self.engine.connect() as connection, connection.begin():
                if self.is_sqlite:
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                else:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITER_LOCK)))
                outcomes.extend(_run_in_savepoint(connection, job) for job in batch)
        except DBAPIError as error:
            failure = _translated(error)
            outcomes = [(None, failure, []) for _ in batch]
        for job, outcome in zip(batch, outcomes, strict=True):
            job.answer(*outcome)


def _run_in_savepoint(
    connection: sa.Connection, job: _Job
) -> tuple[Any, BaseException | None, list[Callable[[], None]]]:
    """One job of a batch: its failure takes back its own work only."""
    tx = Tx(connection)
    savepoint = connection.begin_nested()
    try:
        result = job.work(tx)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        savepoint.rollback()
        return None, _translated(error), []
    except Exception as error:
        savepoint.rollback()
        return None, error, []
    savepoint.commit()
    return result, None, tx.committed


def _create_engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        # A frozen manager must not hold the writers' lock for ever: the server ends its transaction.
        options = "-c idle_in_transaction_session_timeout=3000 -c lock_timeout=10000"
        return sa.create_engine(url, pool_pre_ping=True, pool_size=_READERS + 1,
                                connect_args={"options": options, "connect_timeout": 3})  # fmt: skip
    engine = sa.create_engine(url, pool_size=_READERS + 1, connect_args={"check_same_thread": False, "timeout": 10})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's own BEGIN would be deferred and could lose updates
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _translated(error: DBAPIError) -> AltusError:
    if isinstance(error, sa.exc.IntegrityError):
        return Conflict("That already exists.", code="database.duplicate", hint="Choose another name.")
    return Unavailable("The database does not answer.", code="database.unavailable",
                       hint=f"See the manager's log. ({type(error.orig).__name__})")  # fmt: skip
