"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altus.common.durations import format_duration, parse_duration
from altus.common.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("30d", 30 * 86400), ("2W", 14 * 86400)]
)
def test_a_number_and_a_unit_are_read(text: str, seconds: int) -> None:
    assert parse_duration(f" {text} ") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "0d", "1.5h", "1y", "999999999w", "1h30m", "١h"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_duration(text)
    assert caught.value.code == "duration.malformed"


@given(st.integers(1, 10**8))
def test_what_is_written_is_read_back(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration
