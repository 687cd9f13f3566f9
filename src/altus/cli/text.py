"""Values as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from altus.common.units import format_size

_STEPS = ((60, "s", 1), (3600, "min", 60), (86400, "h", 3600), (31 * 86400, "d", 86400))


def clean(text: str) -> str:
    """Without anything that could move the cursor or forge a line: some of it comes from guests."""
    return "".join(char if char.isprintable() else "?" for char in text)


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """`3 min ago`; the date if it is long ago; `in 5 min` for what is to come."""
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    for limit, unit, size in _STEPS:
        if abs(seconds) < limit:
            amount = f"{int(abs(seconds) // size)} {unit}"
            return f"{amount} ago" if seconds >= 0 else f"in {amount}"
    return f"{moment:%Y-%m-%d}"


def duration(begin: datetime | None, end: datetime | None) -> str:
    """How long something took, or takes already."""
    if begin is None:
        return ""
    return f"{((end or datetime.now(UTC)) - begin).total_seconds():.1f} s"


def size(value: int | None) -> str:
    """In binary units; nothing for nothing known."""
    return "" if value is None else format_size(value)


def listed(values: Iterable[Any]) -> str:
    """By commas."""
    return ", ".join(str(value) for value in values)


def yes_no(value: bool) -> str:
    """For people."""
    return "yes" if value else "no"


def cpu(found: Any) -> str:
    """A guest's CPU in a line: its model, and how many features are asked of it."""
    if found is None:
        return ""
    return f"{found.model}, {len(found.features)} features" if found.features else str(found.model)
