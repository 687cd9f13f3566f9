"""One transfer while it lasts: how far it is, whether it is to stop, and when it is time for post-copy."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import libvirt

from altus.drivers.hypervisor.base import Move
from altus.drivers.hypervisor.libvirt.migration_course import Course, progress
from altus.drivers.hypervisor.libvirt.migration_emulated import Standstill
from altus.drivers.hypervisor.libvirt.migration_job import Order, break_off, send
from altus.drivers.hypervisor.libvirt.migration_latch import Latch
from altus.drivers.hypervisor.libvirt.observe import TORN
from altus.model.migration import MigrationFacts

_LOOK_SECONDS = 0.5
_OFTEN_SECONDS = 0.02
_QUICK_SECONDS = 0.01
_COMMITTED = "Post-copy has begun and cannot be stopped any more"


class Transfer:
    """Attends to a VM that is being sent. `aborted` says that it was stopped; `missed` that its guest, which is
    emulated, did not stand still in time: what was sent is worth nothing. The last of its `memory` is let through when
    it is seen that it did, so that it never comes over whole before; and where disks are copied, so that another time
    would cost most, it stands still at once, and its memory comes slowly until then."""

    def __init__(self, domain: libvirt.virDomain, far: libvirt.virConnect, move: Move, order: Order,
                 memory: Latch) -> None:  # fmt: skip
        self.aborted = False
        self.missed = False
        self._domain = domain
        self._far = far
        self._move = move
        self._order = order
        self._memory = memory
        self._course = Course(move.options)
        self._standstill: Standstill | None = None
        memory.open()
        if order.emulated and order.live:
            self._standstill = Standstill(order.memory, at_once=order.post_copy or order.copies)
            memory.hold(slowly=order.copies)
        self._left = 0.0
        self._loop = asyncio.get_running_loop()

    async def run(self) -> MigrationFacts:
        """Until it is sent; raises libvirt's error."""
        # the loop's own threads are few (six with two processors): if all did this, none was left to let memory through
        thread = ThreadPoolExecutor(1, "migration")
        work = self._loop.run_in_executor(thread, partial(send, self._domain, self._far, self._order))
        thread.shutdown(wait=False)
        stop = asyncio.ensure_future(self._move.stop.wait())
        follow: asyncio.Future[None] | None = None
        try:
            while not work.done():
                waited: list[asyncio.Future[Any]] = [work] if stop.done() else [work, stop]
                await asyncio.wait(waited, timeout=self._pause, return_when=asyncio.FIRST_COMPLETED)
                if stop.done() and not self._course.switched:
                    await asyncio.to_thread(self._abort)
                await asyncio.to_thread(self._look)
                if self.missed:
                    self._memory.cut()
                elif self._course.may_switch and await asyncio.to_thread(self._begin_post_copy):
                    follow = asyncio.ensure_future(self._follow(work))
            self.missed = self.missed or self._memory.expired
            stats = work.result()
        finally:
            stop.cancel()
            self._memory.release()
            if follow is not None:
                await follow
        self.missed = self.missed or (self._standstill is not None and not self._course.stands)
        if follow is None and self._order.post_copy:
            await self._move.switch()  # all came over at once, and libvirt has let it go on there
        if follow is None and self._course.stands:
            self._course.stood = time.monotonic() - self._left
        return self._course.facts(stats)

    @property
    def _is_decided(self) -> bool:
        """Whether an emulated guest stood still in time, or did not."""
        return self._course.stands or self.missed

    @property
    def _pause(self) -> float:
        """Seconds until the next look."""
        return _LOOK_SECONDS if self._standstill is None or self._is_decided else _OFTEN_SECONDS

    async def _follow(self, work: asyncio.Future[Any]) -> None:
        """The guest's packets follow it as soon as it does not run here, where it will never run again; libvirt lets it
        go on there by itself."""
        await self._until(work, lambda: tuple(self._domain.state()) in TORN)
        left = self._left or time.monotonic()
        await self._move.switch()
        uuid = self._domain.UUIDString()
        await self._until(work, lambda: self._far.lookupByUUIDString(uuid).state()[0] == libvirt.VIR_DOMAIN_RUNNING)
        self._course.stood = time.monotonic() - left

    async def _until(self, work: asyncio.Future[Any], so: Callable[[], bool]) -> None:
        """Look often, as long as the transfer lasts; no event of libvirt tells both ends."""

        def look() -> bool:
            with contextlib.suppress(libvirt.libvirtError):  # it has just ended
                return so()
            return False

        while not work.done() and not await asyncio.to_thread(look):
            await asyncio.wait([work], timeout=_QUICK_SECONDS)

    def _begin_post_copy(self) -> bool:
        """In a worker thread; whether it has begun."""
        with contextlib.suppress(libvirt.libvirtError):  # it has come over whole, or failed, just now
            self._domain.migrateStartPostCopy()
            self._course.switched = True
        return self._course.switched

    def _abort(self) -> None:
        """In a worker thread."""
        with contextlib.suppress(libvirt.libvirtError):  # not begun yet, or ended
            self.aborted = break_off(self._domain) or self.aborted

    def _look(self) -> None:
        """In a worker thread: tell how far it is, and see to it that an emulated guest stands still in time."""
        with contextlib.suppress(libvirt.libvirtError):  # it has just ended
            stats = self._domain.jobStats()
            self._course.see(stats)
            if self._standstill is not None and not self._is_decided and self._standstill.is_due(stats):
                self._left = time.monotonic()
                self._domain.suspend()
                self.missed = self._standstill.is_late(self._domain.jobStats())
                self._course.stands = not self.missed
            if self._course.stands:
                self._loop.call_soon_threadsafe(self._memory.release)
            share, text = progress(stats, self._order.memory)
            committed = self._course.switched
            sentence = f"{_COMMITTED}; {text}" if committed else text
            self._loop.call_soon_threadsafe(self._move.report, share, sentence, committed)
