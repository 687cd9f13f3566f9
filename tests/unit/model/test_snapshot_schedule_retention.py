"""Which snapshots of a schedule go: never the wrong ones, whatever the times are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altus.common.errors import InvalidInput
from altus.model.snapshot import Snapshot, SnapshotState
from altus.model.snapshot_schedule import SnapshotSchedule, snapshot_name
from altus.model.snapshot_schedule_retention import MAX_KEPT, Retention, expired, require_retention

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
NUMBERS = st.integers(0, 4)
RETENTIONS = st.builds(Retention, last=NUMBERS, hourly=NUMBERS, daily=NUMBERS, weekly=NUMBERS, monthly=NUMBERS)
TIMES = st.sets(st.integers(0, 200 * 24 * 4).map(lambda quarter: NOW - timedelta(minutes=15 * quarter)), max_size=60)


@given(TIMES, RETENTIONS)
def test_no_more_is_kept_than_was_asked_for_and_the_newest_always(times: set[datetime], keep: Retention) -> None:
    kept = times - expired(times, keep, BERLIN, NOW)
    assert len(kept) <= keep.most
    if times and keep.most:
        assert max(times) in kept
    assert set(sorted(times, reverse=True)[: keep.last]) <= kept


@given(TIMES, RETENTIONS)
def test_what_was_kept_once_is_kept_if_one_looks_again(times: set[datetime], keep: Retention) -> None:
    kept = times - expired(times, keep, BERLIN, NOW)
    assert expired(kept, keep, BERLIN, NOW) == set()


@given(TIMES, RETENTIONS, st.integers(1, 100))
def test_deleting_each_time_comes_to_the_same_as_deleting_at_last(
    times: set[datetime], keep: Retention, later: int
) -> None:
    """So nothing is deleted that would be wanted later."""
    new = NOW + timedelta(hours=later)
    kept = times - expired(times, keep, BERLIN, NOW)
    at_last = times | {new}
    assert (kept | {new}) - expired(kept | {new}, keep, BERLIN, new) == at_last - expired(at_last, keep, BERLIN, new)


@given(TIMES, RETENTIONS, st.integers(1, 100))
def test_times_to_come_neither_go_nor_push_others_out(times: set[datetime], keep: Retention, later: int) -> None:
    """The clock was ahead when they were taken."""
    ahead = {NOW + timedelta(hours=hour) for hour in range(1, later)}
    assert expired(times | ahead, keep, BERLIN, NOW) == expired(times, keep, BERLIN, NOW)


def test_days_are_those_of_the_zone() -> None:
    late, early = datetime(2026, 6, 1, 22, 30, tzinfo=UTC), datetime(2026, 6, 1, 21, 30, tzinfo=UTC)
    assert expired({late, early}, Retention(daily=2), BERLIN, NOW) == set()
    assert expired({late, early}, Retention(daily=2), ZoneInfo("UTC"), NOW) == {early}


def test_an_hour_that_is_repeated_is_two() -> None:
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert expired({first, second}, Retention(hourly=2), BERLIN, NOW) == set()


def test_of_years_of_days_there_remain_days_weeks_and_months() -> None:
    days = {NOW - timedelta(days=day) for day in range(400)}
    kept = sorted(days - expired(days, Retention(daily=3, weekly=2, monthly=2), BERLIN, NOW), reverse=True)
    assert [f"{time:%m-%d}" for time in kept] == ["11-01", "10-31", "10-30", "10-25"]


@pytest.mark.parametrize("keep", [Retention(), Retention(last=MAX_KEPT, daily=1)])
def test_nothing_or_more_than_a_vm_may_have_is_refused(keep: Retention) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_retention(keep)
    assert refused.value.code == "snapshot_schedule.keep"


def _snapshot(hours: int, **fields: object) -> Snapshot:
    due = NOW - timedelta(hours=hours)
    values = {"schedule_id": "mine", "due_at": due, "state": SnapshotState.READY, "created_at": due,
              "updated_at": due} | fields  # fmt: skip
    return Snapshot(id=f"s{hours}", name=f"nightly-{hours}", vm_id="vm", **values)  # type: ignore[arg-type]


def test_only_what_the_schedule_took_goes_whatever_its_name() -> None:
    schedule = SnapshotSchedule(id="mine", name="nightly", cron="0 * * * *", keep=Retention(last=1))
    by_hand = _snapshot(5, schedule_id=None, due_at=None)
    named_alike = Snapshot(id="x", name=snapshot_name(schedule, NOW), vm_id="vm", state=SnapshotState.READY)
    others = _snapshot(4, schedule_id="other")
    assert schedule.expired([by_hand, named_alike, others, _snapshot(3), _snapshot(2)], NOW) == [_snapshot(3)]


def test_one_that_was_not_made_does_not_count_and_goes() -> None:
    schedule = SnapshotSchedule(id="mine", name="nightly", cron="0 * * * *", keep=Retention(last=2))
    broken = _snapshot(1, state=SnapshotState.FAILED)
    under_way = _snapshot(0, state=SnapshotState.CREATING)
    assert schedule.expired([_snapshot(3), _snapshot(2), broken, under_way], NOW) == [broken]
    assert schedule.expired([_snapshot(3), _snapshot(2)], NOW, taken=NOW) == [_snapshot(3)]
