"""The fence against managers whose lease is gone: the highest epoch seen is remembered, also across restarts."""

from __future__ import annotations

import asyncio
from pathlib import Path

from altus.common.errors import Unavailable
from altus.common.files import write_whole


class Epochs:
    """Admits callers with the newest epoch only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rising = asyncio.Lock()
        self.highest = int(path.read_text()) if path.exists() else 0

    async def admit(self, epoch: int) -> None:
        """Refuse an epoch below the highest seen (`lease.lost`); remember a higher one before anything is done."""
        self.require(epoch)
        if epoch > self.highest:
            async with self._rising:
                if epoch > self.highest:
                    await asyncio.to_thread(write_whole, self._path, str(epoch).encode())
                    self.highest = epoch
        self.require(epoch)

    def require(self, epoch: int) -> None:
        """Refuse an epoch below the highest seen."""
        if epoch < self.highest:
            raise Unavailable("Another manager has taken over since.", code="lease.lost",
                              hint="Only the manager that holds the lease may change hosts.",
                              epoch=epoch, highest=self.highest)  # fmt: skip
