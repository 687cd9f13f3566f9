"""Several things at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def all_of(*works: Awaitable[T]) -> list[T]:
    """Wait until all have ended, then raise the first error there was: none goes on behind the caller's back."""
    results = await asyncio.gather(*works, return_exceptions=True)
    answers: list[T] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        answers.append(result)
    return answers
