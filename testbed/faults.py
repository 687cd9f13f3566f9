"""What can go wrong with one call to an agent."""

from __future__ import annotations

from dataclasses import dataclass

from altus.common.errors import AltusError


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`error`: the host refuses with it, having done nothing. Otherwise the caller hears only that the host does not
    answer, and `done` says whether it was done all the same."""

    error: AltusError | None = None
    done: bool = False
