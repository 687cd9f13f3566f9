"""Pictures of displays: a PNG writer and a PPM reader, as little of both as screenshots need."""

from __future__ import annotations

import re
import struct
import zlib

from altus.common.errors import Failed

_PPM = re.compile(rb"P6\s+(\d+)\s+(\d+)\s+255\s")
_TRUECOLOR_8_BIT = (8, 2, 0, 0, 0)


def png(width: int, height: int, rgb: bytes) -> bytes:
    """A PNG of `width`×`height` pixels of three bytes each, rows from the top (https://www.w3.org/TR/png/)."""
    rows = b"".join(b"\0" + rgb[start : start + 3 * width] for start in range(0, 3 * width * height, 3 * width))
    header = struct.pack(">IIBBBBB", width, height, *_TRUECOLOR_8_BIT)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data) for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    )


def png_from_ppm(ppm: bytes) -> bytes:
    """The same picture as PNG; `Failed` (`hypervisor.screenshot_unreadable`) if it is no binary PPM with 8 bits."""
    found = _PPM.match(ppm)
    if found is None or len(ppm) - found.end() < 3 * int(found[1]) * int(found[2]):
        raise Failed("The hypervisor's picture of the display cannot be read.", code="hypervisor.screenshot_unreadable")
    return png(int(found[1]), int(found[2]), ppm[found.end() :])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
