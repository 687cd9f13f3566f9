"""One database, one writer.

All writes of a manager go through one thread, in order, and several waiting ones share a commit. Transactions are plain
functions without `await`, so none can stay open across a network call. On PostgreSQL an advisory lock puts the
writers of all managers in one line too: no deadlock, no serialization failure, and event numbers appear in the order
in which they were committed. See docs/adr/0002-one-writer.md.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog

from altus.common.errors import AltusError, Internal, Unavailable
from altus.manager.store import connect
from altus.manager.store.signal import Signal

R = TypeVar("R")
_WRITER_LOCK = 0x616C747573  # "altus", the advisory lock's number
_MAX_BATCH = 64
_READERS = 4
_log = structlog.get_logger(__name__)


class LeaseLostError(AltusError):
    """Another manager runs the tasks now; whatever this one had in mind must not be written."""

    kind = "unavailable"
    default_code = "lease.lost"


@dataclass
class Tx:
    """An open transaction. `committed` collects what to call on the event loop once it is durable; `news` is set then
    by whoever left an event."""

    connection: sa.Connection
    news: Signal
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
    """Work that waits for the writer, and what became of it."""

    work: Callable[[Tx], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None
    committed: list[Callable[[], None]] = field(default_factory=list)

    def fail(self, error: Exception) -> None:
        """It was rolled back."""
        self.result, self.error, self.committed = None, error, []

    def answer(self) -> None:
        """Tell who waits (on the event loop)."""
        for call in self.committed:
            try:
                call()
            except Exception:
                _log.exception("call after a commit failed")
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Database:
    """SQLite (`sqlite:///path`) or PostgreSQL (`postgresql+psycopg://…`). `news` is set after every committed event."""

    def __init__(self, url: str | sa.URL) -> None:
        self.url = sa.make_url(url)
        self.is_sqlite = connect.is_sqlite(self.url)
        self.news = Signal()
        self._file_lock = connect.lock_file(self.url) if self.is_sqlite else None
        self._write_engine = connect.writer(self.url)
        self._read_engine = connect.readers(self.url, _READERS)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._writer = threading.Thread(target=self._write_loop, name="altus-db-writer", daemon=True)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="altus-db-reader")
        self._writer.start()

    async def write(self, work: Callable[[Tx], R]) -> R:
        """Run `work` in a write transaction and return its result once it is committed.

        An exception in `work` rolls it back and is raised here. `Unavailable` (`database.unavailable`) if the database
        does not answer: then it is not known whether the commit happened.
        """
        if self._closed:
            raise _closed()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._jobs.put(_Job(work, loop, future))
        return await future

    async def read(self, work: Callable[[Tx], R]) -> R:
        """Run `work` in a read transaction: it sees one state of the database, and cannot write."""
        if self._closed:
            raise _closed()
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    @contextmanager
    def snapshot(self) -> Iterator[Tx]:
        """A read transaction for who may block, such as another database's writer."""
        try:
            with self._read_engine.begin() as connection:
                yield Tx(connection, self.news)
        except sa.exc.SQLAlchemyError as error:
            raise _told(error) from error

    def close(self) -> None:
        """Finish what is queued and let go of everything."""
        self._closed = True
        self._jobs.put(None)
        self._writer.join()
        self._readers.shutdown()
        self._write_engine.dispose()
        self._read_engine.dispose()
        if self._file_lock is not None:
            os.close(self._file_lock)
            self._file_lock = None

    def _read(self, work: Callable[[Tx], R]) -> R:
        with self.snapshot() as tx:
            return work(tx)

    def _write_loop(self) -> None:
        ended = False
        while not ended:
            batch: list[_Job] = []
            while not batch or (len(batch) < _MAX_BATCH and not self._jobs.empty()):
                job = self._jobs.get()
                if job is None:
                    ended = True
                    break
                batch.append(job)
            if batch:
                self._write_batch(batch)
        self._refuse_rest()

    def _refuse_rest(self) -> None:
        """Whoever came while we closed must not wait for ever."""
        rest: list[_Job] = []
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None:
                job.fail(_closed())
                rest.append(job)
        _answer(rest)

    def _write_batch(self, batch: list[_Job]) -> None:
        try:
            with self._write_engine.begin() as connection:
                if not self.is_sqlite:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITER_LOCK)))
                # PostgreSQL would answer the COMMIT of who overlooked an error in silence, by rolling back.
                run = self._run if self.is_sqlite and len(batch) == 1 else self._run_in_savepoint
                for job in batch:
                    run(connection, job)
        except Exception as error:
            failure = _caused(error)
            for job in batch:
                job.fail(failure)
        _answer(batch)

    def _run(self, connection: sa.Connection, job: _Job) -> None:
        """What was asked for; who calls takes it back where it fails."""
        tx = Tx(connection, self.news)
        job.result = job.work(tx)
        job.committed = tx.committed

    def _run_in_savepoint(self, connection: sa.Connection, job: _Job) -> None:
        """One job of a batch: its failure takes back its own work only."""
        savepoint = connection.begin_nested()
        try:
            self._run(connection, job)
            savepoint.commit()
        except Exception as error:
            if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
                raise
            savepoint.rollback()
            job.fail(_caused(error))


def _told(error: Exception) -> Exception:
    """What a failure of the database means for who asked; the log keeps what it was."""
    meaning = connect.translated(error)
    if meaning is not error and isinstance(meaning, Internal | Unavailable):
        _log.warning("the database failed", error=f"{type(error).__name__}: {error}")
    return meaning


def _caused(error: Exception) -> Exception:
    """What who asked is told, with what it was."""
    failure = _told(error)
    failure.__cause__ = None if failure is error else error
    return failure


def _answer(jobs: list[_Job]) -> None:
    """Wake each event loop once for all of its jobs."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = defaultdict(list)
    for job in jobs:
        by_loop[job.loop].append(job)

    def deliver(own: list[_Job]) -> None:
        for job in own:
            job.answer()

    for loop, own in by_loop.items():
        try:
            loop.call_soon_threadsafe(deliver, own)
        except RuntimeError:
            _log.debug("nobody waits any more: the event loop is closed", jobs=len(own))


def _closed() -> Unavailable:
    return Unavailable("The database is closed.", code="database.closed", hint="The manager is stopping.")
