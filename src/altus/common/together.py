"""Several things at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any


async def all_of(*works: Awaitable[Any]) -> None:
    """Wait until all have ended, then raise the first error there was: none goes on behind the caller's back."""
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
