"""Which builder makes which image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from altus.drivers.image.base import ImageBuilder
from altus.drivers.image.cache import DEFAULT_CACHE
from altus.drivers.image.debian.builder import DebianBuilder
from altus.drivers.image.fake import FakeBuilder
from altus.drivers.image.tiny.builder import TinyBuilder
from altus.model.image import BuiltinImage

_BUILDERS: Mapping[BuiltinImage, Callable[[Path], ImageBuilder]] = {
    BuiltinImage.TINY: TinyBuilder,
    BuiltinImage.DEBIAN_12: DebianBuilder,
}


def builder(name: BuiltinImage | str, *, cache: Path = DEFAULT_CACHE, fake: bool = False) -> ImageBuilder:
    """The builder of the image `name`, which keeps what it makes in `cache`; with `fake` one that needs no packages.

    Raises ValueError for a name that is no BuiltinImage.
    """
    image = BuiltinImage(name)
    return FakeBuilder(image) if fake else _BUILDERS[image](cache)
