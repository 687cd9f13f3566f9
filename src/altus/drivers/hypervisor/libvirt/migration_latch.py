"""The last byte of a VM's memory, kept until it is known whether the memory is worth anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Literal

from altus.drivers.hypervisor.libvirt.migration_pace import Pace

_UNDECIDED_SECONDS = 5.0
_DRIP = 1 << 20
"""Bytes a second."""


class Latch:
    """Lets all through, unless it is to `hold`: then it keeps the last byte that came, without which the other QEMU can
    have nothing whole, until somebody decides. `release` lets it and all that follows through; `cut` ends the stream,
    so that what came over is nothing: this QEMU then takes the disks back before its guest goes on, which one that is
    told to stop at the very end may fail to do (7.2), and die of it."""

    def __init__(self) -> None:
        self._decided = asyncio.Event()
        self._pace = Pace(None)
        self.open()

    def open(self) -> None:
        """For a stream that need not be kept. `expired` says of one that had to be that all had come and still nobody
        decided, so that it was cut."""
        self._ended = self.expired = False
        self._decided.set()

    def hold(self, *, slowly: bool) -> None:
        """Until it is decided; `slowly`: with a little a second only. It must never stop: a QEMU that has all but sent
        its memory waits for the rest to go, and answers nobody meanwhile."""
        self.open()
        self._decided.clear()
        self._pace = Pace(_DRIP if slowly else None)

    def release(self) -> None:
        """Let all through."""
        self._decided.set()

    def cut(self) -> None:
        """End it, unless it was released."""
        if not self._decided.is_set():
            self._ended = True
            self._decided.set()

    async def through(self, reader: asyncio.StreamReader, chunk: int) -> AsyncGenerator[bytes, None]:
        """What comes from QEMU, in pieces of `chunk` bytes at most and one; none is empty, as the end is."""
        if not self._decided.is_set():
            async for data in self._held(reader, chunk):
                yield data
        while not self._ended and (data := await reader.read(chunk)):
            yield data

    async def _held(self, reader: asyncio.StreamReader, chunk: int) -> AsyncGenerator[bytes, None]:
        kept, decided = b"", asyncio.ensure_future(self._decided.wait())
        coming = asyncio.ensure_future(reader.read(chunk))
        try:
            while not decided.done():
                await asyncio.wait([coming, decided], return_when=asyncio.FIRST_COMPLETED)
                if decided.done():
                    break
                data = coming.result()
                if not data:
                    await self._expire(decided)
                    break
                await self._pace.keep(len(data))
                whole, kept = kept + data[:-1], data[-1:]
                coming = asyncio.ensure_future(reader.read(chunk))
                if whole:
                    yield whole
            if kept and not self._ended:
                yield kept
            if not self._ended and (data := await coming):
                yield data
        finally:
            decided.cancel()
            coming.cancel()

    async def _expire(self, decided: asyncio.Task[Literal[True]]) -> None:
        """QEMU has sent all: whoever is to decide does so now, or has missed it."""
        await asyncio.wait([decided], timeout=_UNDECIDED_SECONDS)
        if not decided.done():
            self.expired = True
            self.cut()
