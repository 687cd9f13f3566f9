"""The fake's consoles."""

from __future__ import annotations

import asyncio


class FakeStream:
    """A `ByteStream` that greets and, if it is a terminal, echoes what is typed."""

    def __init__(self, greeting: bytes, *, echo: bool) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._queue.put_nowait(greeting)
        self._echo = echo
        self._ended = False

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""
        if self._ended and self._queue.empty():
            return b""
        return await self._queue.get()

    async def write(self, data: bytes) -> None:
        """Send all of `data`; what an ended console cannot take is dropped."""
        if self._echo and data and not self._ended:
            self._queue.put_nowait(data)

    async def close(self) -> None:
        """End it."""
        self.end()

    def end(self) -> None:
        """The other side hangs up."""
        if not self._ended:
            self._ended = True
            self._queue.put_nowait(b"")
