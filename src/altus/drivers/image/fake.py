"""A builder for tests of what is above it: at once, from nothing."""

from __future__ import annotations

import struct
from pathlib import Path

from altus.drivers.image.base import BuildProgress

SIZE = 64 << 20
"""The fake disk's virtual size in bytes."""

_CLUSTER_BITS = 16
_CLUSTER = 1 << _CLUSTER_BITS


class FakeBuilder:
    """An ImageBuilder whose disk is a valid, empty qcow2 and whose kernel starts nothing."""

    def __init__(self, name: str) -> None:
        self.name = str(name)

    async def build(self, out: Path, progress: BuildProgress) -> None:
        """See ImageBuilder."""
        progress(0.0, "pretending")
        _write(out)
        progress(1.0, "done")


def _write(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    files = {"disk": empty_qcow2(SIZE), "kernel": b"kernel", "initrd": b"initrd", "cmdline": b"console=ttyS0"}
    for name, content in files.items():
        new = out / f".{name}.new"
        new.write_bytes(content)
        new.rename(out / name)


def empty_qcow2(size: int) -> bytes:
    """A qcow2 (version 2) of `size` bytes in which nothing is allocated: four clusters, which hold the header, the
    reference counts' table and block, and the first-level table (QEMU's docs/interop/qcow2.txt)."""
    per_table = _CLUSTER // 8 * _CLUSTER  # bytes that one entry of the first-level table covers
    entries = -(-size // per_table)
    if entries > _CLUSTER // 8:
        raise ValueError(f"{size} bytes need a first-level table of more than one cluster")
    header = struct.pack(
        ">4sIQIIQIIQQIIQ",
        *(b"QFI\xfb", 2, 0, 0, _CLUSTER_BITS, size, 0),
        *(entries, 3 * _CLUSTER),  # first-level table
        *(_CLUSTER, 1),  # table of reference count blocks
        *(0, 0),  # snapshots
    )
    table = struct.pack(">Q", 2 * _CLUSTER)
    counts = struct.pack(">4H", 1, 1, 1, 1)
    return b"".join(part.ljust(_CLUSTER, b"\0") for part in (header, table, counts, b""))
