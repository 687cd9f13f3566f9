"""Whether files can be opened past the host's cache."""

from __future__ import annotations

import os
from collections.abc import Sequence

from altus.model.volume import DiskSource


def direct_io(disks: Sequence[DiskSource]) -> tuple[bool, ...]:
    """For each disk whether its file system allows O_DIRECT; some, such as older tmpfs, do not."""
    return tuple(_opens_direct(disk.path) for disk in disks)


def _opens_direct(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC))
    except OSError:
        return False
    return True
