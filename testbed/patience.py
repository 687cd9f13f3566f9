"""Waiting for conditions in tests of the whole system, and how long is too long.

The bar is the product's own: everything tells the truth within RECOVERY seconds of a restart. That is said of a machine
with two free cores; ALTUS_TEST_SLOWNESS (default 3) is by how much the machine at hand may be slower, because others
use it too. Deadlines for what only has to end at all are far longer.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
SLOWNESS = float(os.environ.get("ALTUS_TEST_SLOWNESS", "3"))
RECOVERY = 10.0 * SLOWNESS
GUEST = 60.0 * SLOWNESS
_POLL, _SELDOM = 0.05, 0.25
"""Seconds between two looks, at first and after a while: each costs the managers' processor time, of which a guest that
boots could make better use."""


async def until(condition: Callable[[], Awaitable[T | None]], what: str, seconds: float = RECOVERY) -> T:
    """What `condition` returns as soon as that is true; AssertionError naming `what` and what it last was."""
    began = time.monotonic()
    while True:
        found = await condition()
        if found:
            return found
        waited = time.monotonic() - began
        assert waited < seconds, f"{what}: not within {seconds:.0f} s, it is still {found!r}"
        await asyncio.sleep(min(max(_POLL, waited / 20), _SELDOM))
