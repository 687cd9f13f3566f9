"""Limits of disks."""

from __future__ import annotations

import pytest

from altus.common.units import MIB
from altus.model.disk_limits import KINDS, MIN_BYTES, DiskLimits, DiskRate


def test_numbers_tell_all_and_nothing_else() -> None:
    limits = DiskLimits(total_iops=DiskRate(rate=5, burst=9, seconds=3), read_bytes=DiskRate(rate=MIB))
    assert limits.numbers == {"read_bytes": MIB, "total_iops": 5, "total_iops_max": 9, "total_iops_max_length": 3}
    assert DiskLimits.of(limits.numbers) == limits
    assert DiskLimits.of(dict.fromkeys(KINDS, 0)) == DiskLimits()


def test_a_length_that_was_only_made_up_is_no_limit() -> None:
    assert DiskLimits.of({"read_iops": 5, "read_iops_max_length": 1}) == DiskLimits(read_iops=DiskRate(rate=5))


@pytest.mark.parametrize(
    ("limits", "about"),
    [
        ({"total_bytes": DiskRate(rate=MIB), "read_bytes": DiskRate(rate=MIB)}, "alone"),
        ({"read_bytes": DiskRate(rate=MIN_BYTES - 1)}, "at least"),
        ({"read_iops": DiskRate(rate=5, burst=4)}, "burst"),
        ({"read_iops": DiskRate(rate=5, seconds=4)}, "no burst"),
        ({"total_bytes": DiskRate(rate=MIB), "read_iops": DiskRate(rate=1)}, ""),
    ],
    ids=["total", "slow", "low burst", "length", "fits"],
)
def test_what_does_not_fit_together_is_named(limits: dict[str, DiskRate], about: str) -> None:
    problem = DiskLimits(**limits).problem
    assert bool(problem) is bool(about)
    assert about in problem


def test_they_are_told_in_words() -> None:
    limits = DiskLimits(write_bytes=DiskRate(rate=MIB, burst=2 * MIB, seconds=3), total_iops=DiskRate(rate=7))
    assert limits.words == "write_bytes 1 MiB/s, 2 MiB/s for 3 s; total_iops 7/s"
