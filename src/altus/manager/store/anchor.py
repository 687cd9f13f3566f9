"""The anchor of the audit trail: a small file outside the database which remembers how far the trail has come.

Who replaces the database by an older copy, head included, cannot be found out from the database alone; the anchor then
knows a record that the chain has not. It never goes back. It may lag behind the chain by about a second.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from dataclasses import asdict
from pathlib import Path

import structlog

from altus.model.audit import GENESIS, Point

_log = structlog.get_logger(__name__)
PURPOSE = "anchor"


class Anchor:
    """`interval`: at most one write of the file in so many seconds."""

    def __init__(self, path: Path, key: bytes, interval: float = 1.0) -> None:
        self.path = path
        self.interval = interval
        self._key = key
        self._lock = threading.Lock()
        self._written: Point | None = None
        self._pending: Point | None = None
        self._last_write = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._job: asyncio.Future[None] | None = None

    def create(self) -> None:
        """The anchor of an empty trail: made together with its key, so that a missing one is a sign later."""
        self._write(Point.sealed(self._key, PURPOSE, 0, GENESIS))

    def load(self) -> Point | None:
        """What the file says; None if it is missing or says nothing that can be read."""
        try:
            plain = json.loads(self.path.read_text())
            return Point(int(plain["seq"]), str(plain["hash"]), str(plain["seal"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note(self, seq: int, record_hash: str) -> None:
        """The chain has been committed this far (called on the event loop); the file follows soon."""
        if self._pending is None or seq > self._pending.seq:
            self._pending = Point.sealed(self._key, PURPOSE, seq, record_hash)
        if self._timer is None:
            wait = max(0.0, self._last_write + self.interval - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait, self._start)

    async def close(self) -> None:
        """Bring the file up to date."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._job is not None:
            await asyncio.gather(self._job, return_exceptions=True)
        await asyncio.to_thread(self._flush)

    def _start(self) -> None:
        self._timer = None
        self._last_write = time.monotonic()
        self._job = asyncio.get_running_loop().run_in_executor(None, self._flush)
        self._job.add_done_callback(_report)

    def _flush(self) -> None:
        with self._lock:
            point = self._pending
            if point is not None and (self._written is None or point.seq > self._written.seq):
                self._write(point)

    def _write(self, point: Point) -> None:
        fresh = self.path.with_name(self.path.name + ".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(point), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self.path)
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        self._written = point
        self._last_write = time.monotonic()


def _report(job: asyncio.Future[None]) -> None:
    error = None if job.cancelled() else job.exception()
    if error is not None:
        _log.error("the audit anchor could not be written", error=str(error))
