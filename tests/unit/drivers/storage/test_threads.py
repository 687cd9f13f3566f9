"""Threads and locks: a cancelled caller waits for its thread."""

from __future__ import annotations

import asyncio
import threading

import pytest

from altus.drivers.storage.keylocks import KeyLocks
from altus.drivers.storage.threads import in_thread, stoppable


async def test_a_cancelled_call_returns_when_its_thread_has_ended() -> None:
    begun, go, done = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        go.wait(5)
        done.set()

    call = asyncio.create_task(in_thread(work))
    await begun.wait()
    call.cancel()
    finished, _ = await asyncio.wait([call], timeout=0.05)
    assert not finished
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert done.is_set()


async def test_a_stoppable_thread_ends_at_its_next_report() -> None:
    begun = asyncio.Event()
    ended = threading.Event()

    def work(report: object) -> None:
        assert callable(report)
        try:
            while True:
                report(0.5)
        finally:
            ended.set()

    call = asyncio.create_task(stoppable(work, lambda _: begun.set()))
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert ended.is_set()


async def test_locks_by_name_exclude_and_go_away() -> None:
    locks, inside, most = KeyLocks(), 0, 0

    async def enter(*keys: str) -> None:
        nonlocal inside, most
        async with locks.hold(*keys):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(enter("a", "b") for _ in range(5)), *(enter("b", "a") for _ in range(5)))
    assert most == 1
    assert locks._locks == {}
