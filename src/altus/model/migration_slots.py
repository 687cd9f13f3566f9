"""How many VMs may move from or to a host at once: as many as it bears. Pure rules."""

from __future__ import annotations

from altus.model.migration import MigrationFacts

MOST_AT_ONCE = 8


def adapted(limit: int, together: int, facts: MigrationFacts) -> int:
    """The number for a host after a VM has moved when `together` moved, itself among them.

    Where others took so much of the way that its memory came over more slowly than its guest changed it, the number is
    halved; any other one that was measured adds one. A VM that moved alone, or more slowly because that was asked for,
    says nothing about the host's being too busy.
    """
    if facts.speed is None or facts.dirty_rate is None:
        return limit
    if facts.speed >= facts.dirty_rate:
        return min(limit + 1, MOST_AT_ONCE)
    if together == 1 or facts.options.bandwidth is not None:
        return limit
    return max(min(limit, together) // 2, 1)
