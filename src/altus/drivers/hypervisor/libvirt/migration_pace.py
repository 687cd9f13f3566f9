"""A limit that QEMU cannot keep by itself: it counts the empty parts of disks as if they were sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


class Pace:
    """At most `rate` bytes a second for all that pass here together; None: as fast as it goes."""

    def __init__(self, rate: int | None, clock: Callable[[], float] = time.monotonic,
                 sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:  # fmt: skip
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._free = 0.0

    async def keep(self, count: int) -> None:
        """Wait until so many bytes more have had their time."""
        if self._rate is None:
            return
        now = self._clock()
        self._free = max(self._free, now) + count / self._rate
        await self._sleep(self._free - now)
