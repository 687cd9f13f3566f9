"""The guest images that tests boot, built beforehand: building needs the network, which a test machine has not."""

import asyncio
import tempfile
from pathlib import Path

from altus.common.errors import AltusError
from altus.drivers.image import load
from altus.model.image import BuiltinImage
from devkit import progress
from devkit.errors import DevkitError

FIXTURES = (BuiltinImage.TINY, BuiltinImage.DEBIAN_12)


class ImageError(DevkitError):
    """An image could not be built."""


def prepare(names: tuple[BuiltinImage, ...] = FIXTURES) -> None:
    """Build what is not in the cache (/var/cache/altus) yet."""
    for name in names:
        with progress.waiting(f"image {name} is in the cache"), tempfile.TemporaryDirectory() as out:
            try:
                asyncio.run(load.builder(name).build(Path(out), _say))
            except AltusError as error:
                raise ImageError(f"image {name}: {error}") from error


def _say(share: float, what: str) -> None:
    progress.say(f"    {share:4.0%} {what}")
