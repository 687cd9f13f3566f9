"""The reserve of free space: what would eat into it is refused before it starts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from altus.common.units import GIB, MIB
from altus.drivers.storage.refusals import storage_full

METADATA = 1 * MIB
"""What a thin volume takes at most when it is made."""


class Room:
    """Free space of the file system that holds `root`, less what running operations were promised.

    `reserve` bytes stay free; None means 5 % of the file system, at least 1 GiB.
    """

    def __init__(self, root: Path, reserve: int | None) -> None:
        self._root = root
        self._reserve = reserve
        self._promised = 0

    @contextmanager
    def promise(self, growth: int) -> Iterator[None]:
        """Set `growth` bytes aside while the block runs; `LimitExceeded` (`storage.full`) if they are not there."""
        capacity, free = self.measure()
        reserve = self.reserve(capacity)
        if free - self._promised - growth < reserve:
            raise storage_full(growth, free - self._promised, reserve)
        self._promised += growth
        try:
            yield
        finally:
            self._promised -= growth

    def measure(self) -> tuple[int, int]:
        """Capacity and free bytes of the file system now."""
        stat = os.statvfs(self._root)
        return stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize

    def reserve(self, capacity: int) -> int:
        """What stays free of that capacity."""
        return max(GIB, capacity // 20) if self._reserve is None else self._reserve
