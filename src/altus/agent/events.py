"""The hub through which everything the host notices reaches whoever listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from altus.wire.agent import HEARTBEAT, Heartbeat, HostMessage

_MAX_WAITING = 1000


class Subscription:
    """One listener's queue. It never grows beyond `limit`: a listener that is too slow is cut off, and gets everything
    anew when it comes back."""

    def __init__(self, limit: int, on_overflow: Callable[[], None]) -> None:
        self._queue: asyncio.Queue[HostMessage] = asyncio.Queue(limit)
        self._on_overflow = on_overflow
        self._over = asyncio.Event()

    def put(self, message: HostMessage) -> None:
        """Give it to the listener."""
        if self._over.is_set():
            return
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self.end()
            self._on_overflow()

    def end(self) -> None:
        """Let the listener go."""
        self._over.set()

    async def messages(self, heartbeat: float = HEARTBEAT) -> AsyncGenerator[HostMessage, None]:
        """What is put, a heartbeat whenever nothing was for `heartbeat` seconds; ends when cut off or let go."""
        over = asyncio.ensure_future(self._over.wait())
        following = asyncio.ensure_future(self._queue.get())
        try:
            while not self._over.is_set():
                await asyncio.wait([over, following], timeout=heartbeat, return_when=asyncio.FIRST_COMPLETED)
                if following.done():
                    yield following.result()
                    following = asyncio.ensure_future(self._queue.get())
                elif not self._over.is_set():
                    yield Heartbeat()
        finally:
            over.cancel()
            following.cancel()


class EventHub:
    """Hands every message to every listener."""

    def __init__(self, limit: int = _MAX_WAITING) -> None:
        self._limit = limit
        self._listeners: set[Subscription] = set()
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def publish(self, message: HostMessage) -> None:
        """To everybody who listens now."""
        for listener in tuple(self._listeners):
            listener.put(message)

    def subscribe(self, on_overflow: Callable[[], None] = lambda: None) -> Subscription:
        """Listen from now on; `on_overflow` is called when the listener is cut off."""
        listener = Subscription(self._limit, on_overflow)
        self._listeners.add(listener)
        if self._closed:
            listener.end()
        return listener

    def unsubscribe(self, listener: Subscription) -> None:
        """Listen no more."""
        self._listeners.discard(listener)

    def close(self) -> None:
        """Let every listener go, those to come too."""
        self._closed = True
        for listener in self._listeners:
            listener.end()
