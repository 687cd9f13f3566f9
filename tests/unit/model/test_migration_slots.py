"""How many VMs a host lets move at once, as it finds out."""

from __future__ import annotations

import pytest

from altus.model.migration import MigrationFacts, MigrationOptions
from altus.model.migration_slots import MOST_AT_ONCE, adapted


def _facts(speed: int, dirty_rate: int | None, bandwidth: int | None = None) -> MigrationFacts:
    return MigrationFacts(seconds=2.0, downtime=0.1, bytes_sent=2 * speed, dirty_rate=dirty_rate,
                          options=MigrationOptions(bandwidth=bandwidth))  # fmt: skip


@pytest.mark.parametrize(("limit", "together", "facts", "then"), [
    (8, 8, _facts(10, 20), 4),  # slower than its guest: halved
    (8, 4, _facts(10, 20), 2),  # of those that there were
    (2, 5, _facts(10, 20), 1),  # still going down
    (1, 2, _facts(10, 20), 1),  # never to nothing
    (8, 1, _facts(10, 20), 8),  # alone: its guest is to blame
    (8, 8, _facts(10, 20, bandwidth=1), 8),  # it was asked to be slow
    (3, 3, _facts(20, 20), 4),  # fast enough: one more
    (3, 1, _facts(20, 0), 4),
    (MOST_AT_ONCE, 8, _facts(20, 10), MOST_AT_ONCE),  # never more than the most
    (3, 3, _facts(20, None), 3),  # nothing was measured
    (3, 3, MigrationFacts(dirty_rate=7), 3),
])  # fmt: skip
def test_it_is_halved_by_slow_migrations_and_grows_by_one(limit: int, together: int, facts: MigrationFacts,
                                                         then: int) -> None:  # fmt: skip
    assert adapted(limit, together, facts) == then


def test_it_comes_down_at_once_and_goes_up_step_by_step() -> None:
    limits = [8]
    for speed in (10, 10, 10, 30, 30, 30, 10):
        limits.append(adapted(limits[-1], limits[-1], _facts(speed, 20)))
    assert limits == [8, 4, 2, 1, 2, 3, 4, 2]
