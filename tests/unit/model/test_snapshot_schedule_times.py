"""When schedules come: missed times, clocks set back, and the hours which summer time leaves out or repeats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altus.common.errors import InvalidInput
from altus.model.snapshot_schedule_times import (
    is_set_back,
    latest_time,
    next_times,
    require_times,
    times_after,
)

BERLIN = "Europe/Berlin"
CRONS = ("0 * * * *", "*/15 * * * *", "30 2 * * *", "*/20 2 * * *", "0,20,40 2 * * *", "15 3 * * 7", "0 0 1 * *",
         "5 1,2,3 * * *")  # fmt: skip
ZONES = ("UTC", BERLIN, "Australia/Lord_Howe", "Asia/Kolkata")
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds it


def at(text: str) -> datetime:
    """In UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_it_counts_in_its_time_zone() -> None:
    winter = next_times("30 2 * * *", BERLIN, at("2026-01-15 12:00"), 2)
    assert winter == [at("2026-01-16 01:30"), at("2026-01-17 01:30")]
    assert next_times("30 2 * * *", BERLIN, at("2026-07-15 12:00"), 1) == [at("2026-07-16 00:30")]


def test_what_falls_into_the_hour_left_out_comes_right_after_it_and_once() -> None:
    """On 29 March 2026, 2:00 in Berlin is 3:00, 1:00 in UTC."""
    nights = next_times("0,20,40 2 * * *", BERLIN, at("2026-03-28 23:00"), 2)
    assert nights == [at("2026-03-29 01:00"), at("2026-03-30 00:00")]
    hours = next_times("0 * * * *", BERLIN, at("2026-03-29 00:00"), 3)
    assert hours == [at("2026-03-29 01:00"), at("2026-03-29 02:00"), at("2026-03-29 03:00")]


def test_what_falls_into_the_hour_repeated_comes_once_but_every_hour_is_one() -> None:
    """On 25 October 2026, 2:00 to 3:00 in Berlin comes at 0:00 and at 1:00 in UTC."""
    nights = next_times("30 2 * * *", BERLIN, at("2026-10-24 12:00"), 2)
    assert nights == [at("2026-10-25 00:30"), at("2026-10-26 01:30")]
    assert next_times("30 2 * * *", BERLIN, at("2026-10-25 01:15"), 1) == [at("2026-10-26 01:30")]
    hours = next_times("0 * * * *", BERLIN, at("2026-10-24 23:30"), 3)
    assert hours == [at("2026-10-25 00:00"), at("2026-10-25 01:00"), at("2026-10-25 02:00")]


def test_of_times_that_were_missed_only_the_last_counts() -> None:
    since = at("2026-05-01 02:30")
    assert latest_time("30 2 * * *", "UTC", since, at("2026-05-02 02:29")) is None
    assert latest_time("30 2 * * *", "UTC", since, at("2026-05-02 02:30")) == at("2026-05-02 02:30")
    assert latest_time("30 2 * * *", "UTC", since, at("2026-05-09 11:00")) == at("2026-05-09 02:30")
    assert latest_time("* * * * *", "UTC", at("1999-01-01 00:00"), at("2026-05-09 11:00")) == at("2026-05-09 11:00")


@given(st.sampled_from(CRONS), st.sampled_from(ZONES), MOMENTS, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_the_latest_is_the_last_of_all_that_came(cron: str, zone: str, since: datetime, passed: timedelta) -> None:
    now, came = since + passed, []
    for time in times_after(cron, zone, since):
        if time > now:
            break
        came.append(time)
    assert latest_time(cron, zone, since, now) == (came[-1] if came else None)


@given(st.sampled_from(CRONS), st.sampled_from(ZONES), MOMENTS)
def test_times_come_each_once_in_order_and_from_wherever_one_looks(cron: str, zone: str, moment: datetime) -> None:
    times = next_times(cron, zone, moment, 8)
    assert times == sorted(set(times))
    assert times[0] > moment
    assert next_times(cron, zone, times[2], 5) == times[3:]


def test_a_clock_that_is_put_right_by_seconds_changes_nothing() -> None:
    dealt_with = at("2026-05-02 02:30")
    assert not is_set_back("30 2 * * *", "UTC", dealt_with, dealt_with - timedelta(seconds=2))
    assert latest_time("30 2 * * *", "UTC", dealt_with, dealt_with - timedelta(seconds=2)) is None


def test_a_clock_that_was_ahead_by_days_is_noticed() -> None:
    dealt_with = at("2027-05-02 02:30")
    assert is_set_back("30 2 * * *", "UTC", dealt_with, at("2026-05-02 12:00"))
    assert not is_set_back("30 2 * * *", "UTC", at("2026-05-02 02:30"), at("2026-05-02 12:00"))


@pytest.mark.parametrize("cron", ["", "* * * *", "0 * * * * *", "60 * * * *", "0 0 30 2 *", "@daily", "a b c d e"])
def test_what_says_no_time_is_refused(cron: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_times(cron, "UTC")
    assert refused.value.code == "snapshot_schedule.cron"


@pytest.mark.parametrize("zone", ["", "Nowhere/Land", "../../etc/passwd", "/etc/localtime"])
def test_unknown_time_zones_are_refused(zone: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_times("0 * * * *", zone)
    assert refused.value.code == "snapshot_schedule.timezone"
