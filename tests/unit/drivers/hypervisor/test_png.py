"""Pictures: PPM in, PNG out, pixel for pixel."""

from __future__ import annotations

import struct
import zlib

import pytest

from altus.common.errors import Failed
from altus.drivers.hypervisor.png import png_from_ppm

_PIXELS = bytes(range(18))


def _chunks(data: bytes) -> dict[bytes, bytes]:
    found, rest = {}, data[8:]
    while rest:
        (length,), kind = struct.unpack(">I", rest[:4]), rest[4:8]
        body, (checksum,) = rest[8 : 8 + length], struct.unpack(">I", rest[8 + length : 12 + length])
        assert checksum == zlib.crc32(kind + body)
        found[kind], rest = body, rest[12 + length :]
    return found


def test_ppm_becomes_png_with_the_same_pixels() -> None:
    data = png_from_ppm(b"P6\n3 2\n255\n" + _PIXELS)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks = _chunks(data)
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert chunks[b"IHDR"] == struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0)
    assert zlib.decompress(chunks[b"IDAT"]) == b"\0" + _PIXELS[:9] + b"\0" + _PIXELS[9:]


@pytest.mark.parametrize("ppm", [b"", b"P5\n1 1\n255\n\0", b"P6\n3 2\n255\n" + _PIXELS[:-1]])
def test_other_data_is_refused(ppm: bytes) -> None:
    with pytest.raises(Failed) as refused:
        png_from_ppm(ppm)
    assert refused.value.code == "hypervisor.screenshot_unreadable"
