"""When a snapshot schedule is due: a cron expression in a time zone. Pure; the clock is the caller's.

Around a change of the clocks it is as with Debian's cron: what falls into an hour that is left out comes right after
it, and what falls into an hour that is repeated comes once. Where minute or hour begin with a star, real hours count.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from cronsim import CronSim, CronSimError

from altus.common.errors import InvalidInput

_FIELDS = 5
_WINDOWS = (timedelta(hours=1), timedelta(hours=25), timedelta(days=32), timedelta(days=367))
"""How far back is looked for the latest time, so that a schedule of minutes which was asleep for a year is not counted
through."""


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """`InvalidInput` (`snapshot_schedule.timezone`) if the system does not know it."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(f"There is no time zone {name[:64]!r}.", code="snapshot_schedule.timezone",
                           hint="Name one such as Europe/Berlin, or UTC.") from error  # fmt: skip


def require_times(cron: str, timezone: str) -> None:
    """`InvalidInput` (`snapshot_schedule.cron`, `snapshot_schedule.timezone`) unless there is a time to come."""
    zone_of(timezone)
    try:
        problem = "" if next_times(cron, timezone, datetime.now(UTC), 1) else "It never comes"
    except CronSimError as error:
        problem = str(error)
    if len(cron.split()) != _FIELDS:  # the library would take seconds, too
        problem = "Wrong number of fields"
    if problem:
        raise InvalidInput(f"{cron[:80]!r} does not say when: {problem}.", code="snapshot_schedule.cron",
                           hint="Five fields: minute, hour, day of the month, month, day of the week. "
                                "'30 2 * * *' is every day at 2:30.")  # fmt: skip


def times_after(cron: str, timezone: str, moment: datetime) -> Iterator[datetime]:
    """All times later than a moment, in UTC, each once and in order."""
    last = moment
    for found in CronSim(cron, moment.astimezone(zone_of(timezone))):
        time = found.astimezone(UTC)
        if time > last:  # in an hour that is repeated the first one may lie behind the moment
            last = time
            yield time


def next_times(cron: str, timezone: str, moment: datetime, count: int) -> list[datetime]:
    """The first so many of them."""
    return list(islice(times_after(cron, timezone, moment), count))


def latest_time(cron: str, timezone: str, since: datetime, now: datetime) -> datetime | None:
    """The last time later than `since` and not later than `now`: of times that were missed only this one counts."""
    first = next(times_after(cron, timezone, since), None)
    if first is None or first > now:
        return None
    for window in _WINDOWS:
        if now - window <= since:
            break
        if (found := _last(times_after(cron, timezone, now - window), now)) is not None:
            return found
    return _last(times_after(cron, timezone, since), now)


def is_set_back(cron: str, timezone: str, since: datetime, now: datetime) -> bool:
    """Whether the clock was set back so far that whole times lie between now and what was dealt with already: to wait
    until it comes there again would be to take no snapshots meanwhile."""
    if since <= now:
        return False
    first = next(times_after(cron, timezone, now), None)
    return first is not None and first < since


def _last(times: Iterator[datetime], now: datetime) -> datetime | None:
    found = None
    for time in times:
        if time > now:
            break
        found = time
    return found
