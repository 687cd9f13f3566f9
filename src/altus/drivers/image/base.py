"""The image builder protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

BuildProgress = Callable[[float, str], None]
"""Told the share done (0.0 to 1.0) and what is being done, from the event loop."""


class ImageBuilder(Protocol):
    """Builds one kind of image."""

    name: str

    async def build(self, out: Path, progress: BuildProgress) -> None:
        """Write `disk` (qcow2) and, for direct boot, `kernel`, `initrd` and `cmdline` into the folder `out`.

        What was built before from the same packages comes from a cache. Killed in the middle, it leaves nothing but
        temporary files, which the next build removes. Raises `Failed` (`image.build_failed`) with the tool's last
        words.
        """
        ...
