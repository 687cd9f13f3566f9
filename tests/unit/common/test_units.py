"""Sizes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altus.common.errors import InvalidInput
from altus.common.units import GIB, MIB, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512", 512),
        ("512M", 512 * MIB),
        ("512 MiB", 512 * MIB),
        ("20gb", 20 * GIB),
        ("1.5T", 1536 * GIB),
        (" 1K ", 1024),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "1X", "1.G", "1e3", "0x10", "1 2"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_size(text)


@given(st.integers(0, 2**60))
def test_what_is_written_can_be_read_back_nearly(size: int) -> None:
    again = parse_size(format_size(size))
    assert abs(again - size) <= size * 0.051
