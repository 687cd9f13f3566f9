"""News inside one process: wakes whoever waits, by event and not by polling."""

from __future__ import annotations

import asyncio


class Signal:
    """Set and waited for on one event loop. No wake-up can be missed, because waiting compares a counter."""

    def __init__(self) -> None:
        self._count = 0
        self._next = asyncio.Event()

    @property
    def count(self) -> int:
        """How often it was set."""
        return self._count

    def set(self) -> None:
        """Wake everyone who waits now."""
        self._count += 1
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, seen: int, timeout: float) -> int:
        """Return the counter once it is above `seen`, or after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while self._count <= seen:
                    await self._next.wait()
        except TimeoutError:
            pass
        return self._count
