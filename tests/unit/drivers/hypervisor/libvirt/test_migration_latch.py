"""The last byte of a VM's memory comes over only when it is known to be worth something."""

from __future__ import annotations

import asyncio

import pytest

from altus.drivers.hypervisor.libvirt import migration_latch
from altus.drivers.hypervisor.libvirt.migration_latch import Latch

_CHUNK = 4


class Sender:
    """QEMU's end of the stream, and what came through the latch."""

    def __init__(self, latch: Latch) -> None:
        self.reader = asyncio.StreamReader()
        self.came = bytearray()
        self.moved = asyncio.Event()
        self.over = asyncio.ensure_future(self._pass(latch))

    async def _pass(self, latch: Latch) -> None:
        async for data in latch.through(self.reader, _CHUNK):
            assert data, "this would be taken for the end"
            self.came += data
            self.moved.set()

    async def until(self, came: bytes) -> None:
        """Wait until just this has come."""
        while bytes(self.came) != came:
            self.moved.clear()
            await asyncio.wait_for(self.moved.wait(), 10)


async def test_what_is_not_held_passes_whole() -> None:
    sender = Sender(Latch())
    sender.reader.feed_data(b"all of it")
    await sender.until(b"all of it")
    sender.reader.feed_eof()
    await asyncio.wait_for(sender.over, 10)


async def test_all_but_the_last_byte_passes_until_it_is_released() -> None:
    latch = Latch()
    latch.hold(slowly=False)
    sender = Sender(latch)
    sender.reader.feed_data(b"a pass")
    await sender.until(b"a pas")
    sender.reader.feed_data(b" and another")
    await sender.until(b"a pass and anothe")
    latch.release()
    await sender.until(b"a pass and another")
    sender.reader.feed_data(b" one")
    await sender.until(b"a pass and another one")
    sender.reader.feed_eof()
    await asyncio.wait_for(sender.over, 10)


async def test_the_last_byte_waits_for_a_decision_that_comes_after_the_end() -> None:
    latch = Latch()
    latch.hold(slowly=False)
    sender = Sender(latch)
    sender.reader.feed_data(b"all")
    sender.reader.feed_eof()
    await sender.until(b"al")
    latch.release()
    await asyncio.wait_for(sender.over, 10)
    assert sender.came == b"all"
    assert not latch.expired


async def test_what_is_cut_never_comes_whole_and_cannot_be_released_any_more() -> None:
    latch = Latch()
    latch.hold(slowly=False)
    sender = Sender(latch)
    sender.reader.feed_data(b"all")
    await sender.until(b"al")
    latch.cut()
    latch.release()
    await asyncio.wait_for(sender.over, 10)
    assert sender.came == b"al"


async def test_what_was_released_is_not_cut() -> None:
    latch = Latch()
    latch.hold(slowly=False)
    sender = Sender(latch)
    latch.release()
    latch.cut()
    sender.reader.feed_data(b"all")
    sender.reader.feed_eof()
    await asyncio.wait_for(sender.over, 10)
    assert sender.came == b"all"


async def test_who_does_not_decide_when_all_has_come_has_missed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration_latch, "_UNDECIDED_SECONDS", 0.01)
    latch = Latch()
    latch.hold(slowly=False)
    sender = Sender(latch)
    sender.reader.feed_data(b"all")
    sender.reader.feed_eof()
    await asyncio.wait_for(sender.over, 10)
    assert sender.came == b"al"
    assert latch.expired


async def test_slowly_it_drips_and_never_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration_latch, "_DRIP", 400)
    latch = Latch()
    latch.hold(slowly=True)
    sender, began = Sender(latch), asyncio.get_running_loop().time()
    sender.reader.feed_data(bytes(40))
    await sender.until(bytes(39))
    assert asyncio.get_running_loop().time() - began > 39 / 400
    latch.release()
    sender.reader.feed_eof()
    await asyncio.wait_for(sender.over, 10)


@pytest.mark.parametrize("again", [True, False])
async def test_another_stream_can_pass_after_one_was_cut(again: bool) -> None:
    latch = Latch()
    latch.hold(slowly=False)
    latch.cut()
    latch.open()
    if again:
        latch.hold(slowly=False)
    sender = Sender(latch)
    sender.reader.feed_data(b"all")
    sender.reader.feed_eof()
    latch.release()
    await asyncio.wait_for(sender.over, 10)
    assert sender.came == b"all"
