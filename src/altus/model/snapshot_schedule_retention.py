"""Which snapshots of a schedule are kept, and which are to go. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from altus.common.errors import InvalidInput
from altus.model.snapshot import MAX_SNAPSHOTS

MAX_KEPT = MAX_SNAPSHOTS - 1
"""Of one VM: the next one is taken before the oldest goes."""


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What is kept: the last so many, and the last one of each of so many hours, days, weeks and months that have any.
    One snapshot may be kept for several reasons."""

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0

    @property
    def most(self) -> int:
        """How many are kept at most."""
        return self.last + self.hourly + self.daily + self.weekly + self.monthly


def require_retention(keep: Retention) -> None:
    """`InvalidInput` (`snapshot_schedule.keep`) unless something is kept, and no more than a VM may have."""
    if not 1 <= keep.most <= MAX_KEPT:
        raise InvalidInput(f"{keep.most} snapshots of each VM would be kept.", code="snapshot_schedule.keep",
                           hint=f"Keep 1 to {MAX_KEPT} in all.")  # fmt: skip


def expired(times: Iterable[datetime], keep: Retention, zone: tzinfo, now: datetime) -> set[datetime]:
    """Those of the times that are not to be kept. Hours, days, weeks (from Monday) and months are those of the zone.
    Times to come were taken before the clock was set back: they stay, and count when they have come."""
    there = sorted((time for time in times if time <= now), reverse=True)
    kept = set(there[: keep.last])
    for count, period in ((keep.hourly, _hour), (keep.daily, _day), (keep.weekly, _week), (keep.monthly, _month)):
        kept |= _newest(there, count, lambda time, period=period: period(time.astimezone(zone)))  # type: ignore[misc]
    return set(there) - kept


def _newest(times: list[datetime], count: int, period: Callable[[datetime], Hashable]) -> set[datetime]:
    """The first of each of the first so many periods."""
    found: dict[Hashable, datetime] = {}
    for time in times:
        found.setdefault(period(time), time)
    return set(list(found.values())[:count])


def _hour(local: datetime) -> Hashable:
    return local.date(), local.hour, local.utcoffset()


def _day(local: datetime) -> Hashable:
    return local.date()


def _week(local: datetime) -> Hashable:
    return local.isocalendar()[:2]


def _month(local: datetime) -> Hashable:
    return local.year, local.month
