"""One call while it lasts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from altus.common.errors import AltusError, Unavailable
from altus.wire.agent import KEEPALIVE, CallLine


class Execution:
    """Runs apart from the connection that asked for it. Watchers get the newest progress only, so that a slow one
    costs nothing."""

    def __init__(self, operation: str, key: str, epoch: int) -> None:
        self.operation = operation
        self.key = key
        self.epoch = epoch
        self.answer: CallLine | None = None
        self._progress = CallLine(alive=True)
        self._reason: AltusError | None = None
        self._watchers: set[asyncio.Event] = set()
        self._work: asyncio.Task[None] | None = None

    def begin(self, work: asyncio.Task[None]) -> None:
        """The task that does it."""
        self._work = work

    def report(self, share: float, text: str, committed: bool = False) -> None:
        """Told by the handler how far it is, and whether it cannot be broken off any more."""
        self._progress = CallLine(progress=min(max(share, 0.0), 1.0), message=text, committed=committed)
        self._wake()

    def end(self, answer: CallLine) -> None:
        """What every watcher is told at last."""
        self.answer = answer
        self._wake()

    def interruption(self) -> AltusError:
        """Why it was broken off."""
        return self._reason or Unavailable("The agent was interrupted.", code="host.stopping")

    async def stop(self, reason: AltusError) -> None:
        """Break it off; returns when it has ended."""
        if self.answer is None and self._work is not None:
            self._reason = self._reason or reason
            self._work.cancel()
            await asyncio.wait([self._work])

    async def lines(self, keepalive: float = KEEPALIVE) -> AsyncGenerator[CallLine, None]:
        """Progress as it comes, a sign of life at least every `keepalive` seconds, and the answer."""
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            told = CallLine(alive=True)
            while self.answer is None:
                yield CallLine(alive=True) if told is self._progress else self._progress
                told = self._progress
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), keepalive)
                changed.clear()
            yield self.answer
        finally:
            self._watchers.discard(changed)

    def _wake(self) -> None:
        for changed in self._watchers:
            changed.set()
