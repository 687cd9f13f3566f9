"""Blocking file work in threads, without a thread outliving the call that started it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`asyncio.to_thread`, but a cancelled caller goes on only when the thread has ended, so that what it cleans up
    is not being written at the same time."""
    return await to_the_end(asyncio.to_thread(work, *args, **kwargs))


async def stoppable(work: Callable[[Callable[[float], None]], T], progress: Callable[[float], None]) -> T:
    """Run `work(report)` in a thread; `report(share)` passes progress to the event loop and, when the caller has been
    cancelled, raises, which ends the work."""
    loop = asyncio.get_running_loop()
    stop = threading.Event()

    def report(share: float) -> None:
        if stop.is_set():
            raise InterruptedError
        loop.call_soon_threadsafe(progress, share)

    task = asyncio.ensure_future(asyncio.to_thread(work, report))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        with suppress(InterruptedError):
            await to_the_end(task)
        raise


async def to_the_end(work: Awaitable[T]) -> T:
    """Await something that cannot be stopped: a cancellation is raised after it has ended."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as stop:
            cancelled = stop
    if cancelled is None or task.cancelled():
        return task.result()
    if (error := task.exception()) is not None:
        raise cancelled from error
    raise cancelled
