"""Lengths of time as people write them: `90s`, `15m`, `1h`, `30d`, `2w`."""

from __future__ import annotations

import re
from datetime import timedelta

from altus.common.errors import InvalidInput

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"([0-9]{1,9})([smhdw])", re.IGNORECASE)
_LONGEST = 100 * 365 * 86400


def parse_duration(text: str) -> timedelta:
    """The duration of a whole number and a unit; `InvalidInput` (`duration.malformed`) for anything else or zero."""
    match = _DURATION.fullmatch(text.strip())
    seconds = int(match[1]) * _UNITS[match[2].lower()] if match is not None else 0
    if not 0 < seconds <= _LONGEST:
        raise InvalidInput(f"{text[:40]!r} is not a duration.", code="duration.malformed",
                           hint="Write a number and a unit: 90s, 15m, 1h, 30d, 2w.")  # fmt: skip
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """The same in the largest unit that fits exactly: `1h`, `30d`, `90s`."""
    seconds = round(duration.total_seconds())
    for unit in ("w", "d", "h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"
