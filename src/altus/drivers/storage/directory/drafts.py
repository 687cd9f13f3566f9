"""A volume's file on its way: made in a work folder, noted, flushed, then renamed to its place."""

from __future__ import annotations

import os
from pathlib import Path

from altus.common.errors import Conflict
from altus.drivers.storage.directory.catalog import origin_text
from altus.drivers.storage.directory.files import VOLUME_MODE, is_open, sync, wait_closed
from altus.drivers.storage.formats.qcow2 import write_origin
from altus.model.volume import VolumeBase


def finish(draft: Path, base: VolumeBase | None) -> None:
    """Note the base, set the mode and flush: after this a rename may show it. Blocks."""
    fd = os.open(draft, os.O_RDWR | os.O_CLOEXEC)
    try:
        if base is not None:
            write_origin(fd, origin_text(base))
        os.fchmod(fd, VOLUME_MODE)
        os.fsync(fd)
    finally:
        os.close(fd)


def show(draft: Path, place: Path) -> None:
    """Rename a finished draft to its place for good. Blocks."""
    draft.rename(place)
    sync(place.parent)


def refuse_open(path: Path, volume_id: str) -> None:
    """`Conflict` (`volume.busy`) while QEMU has the volume open. Blocks."""
    wait_closed(path)
    if is_open(path):
        raise Conflict(
            f"Volume {volume_id} is open in a running VM or another operation.",
            code="volume.busy",
            hint="Stop the VM first.",
        )
