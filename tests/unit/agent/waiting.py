"""Waiting for something to become so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

_PAUSE = 0.005
_LONG = 60.0
"""For what only has to come at all: a busy machine is no fault."""


async def until(condition: Callable[[], object], seconds: float = _LONG) -> None:
    """Until `condition()` holds; TimeoutError otherwise."""

    async def ask() -> object:
        return condition()

    await until_told(ask, seconds)


async def until_told(condition: Callable[[], Awaitable[object]], seconds: float = _LONG) -> None:
    """The same for something that has to be asked for."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(_PAUSE)
