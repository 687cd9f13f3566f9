"""Sizes are bytes inside; people write and read binary units at the edges."""

from __future__ import annotations

import re

from altus.common.errors import InvalidInput

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB

_SUFFIXES = {"": 1, "K": KIB, "M": MIB, "G": GIB, "T": TIB}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes of `20G`, `512MiB`, `1.5T` or a plain number; units are binary."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise InvalidInput(
            f"{text[:64]!r} is not a size.", code="size.malformed", hint="Write a number and a unit: 512M, 20G, 1.5T."
        )
    return int(float(match[1]) * _SUFFIXES[match[2].upper()])


def format_size(size: int) -> str:
    """The shortest exact-enough text of a size: `20 GiB`, `1.5 GiB`, `512 B`."""
    for unit, factor in (("TiB", TIB), ("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
        if size >= factor:
            return f"{size / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size} B"
