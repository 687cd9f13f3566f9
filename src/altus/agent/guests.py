"""Asking guests about themselves: often after something happened to a VM, seldom when nothing does."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from altus.common.errors import AltusError, NotFound
from altus.model.vm import GuestFacts, VmObservation, VmState

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_AT_ONCE = 4
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_log = structlog.get_logger(__name__)


class Guests:
    """What the guests of running VMs told. `tell` is called with a VM's id when something else than the time of
    observation has changed."""

    def __init__(self, ask: Callable[[str], Awaitable[GuestFacts | None]], tell: Callable[[str], None],
                 first_pause: float = _FIRST_PAUSE, longest_pause: float = _LONGEST_PAUSE) -> None:  # fmt: skip
        self._ask = ask
        self._tell = tell
        self._pauses = first_pause, longest_pause
        self._facts: dict[str, GuestFacts] = {}
        self._followers: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)

    def enrich(self, seen: VmObservation) -> VmObservation:
        """The observation with what its guest told last."""
        facts = self._facts.get(seen.id)
        return seen if facts is None or seen.guest is not None else dataclasses.replace(seen, guest=facts)

    def learn(self, seen: VmObservation) -> VmObservation:
        """Remember what an observation brings of its guest; the observation without it."""
        if seen.guest is None:
            return seen
        self._facts[seen.id] = seen.guest
        return dataclasses.replace(seen, guest=None)

    def notice(self, seen: VmObservation) -> None:
        """Something happened to a VM, or it is seen for the first time: ask soon, or no more if it does not run."""
        if seen.state is not VmState.RUNNING:
            self.forget(seen.id, keep_facts=seen.state.keeps_guest)
        elif seen.id in self._followers:
            self._followers[seen.id][1].set()
        else:
            anew = asyncio.Event()
            self._followers[seen.id] = asyncio.create_task(self._follow(seen.id, anew)), anew

    def forget(self, vm_id: str, *, keep_facts: bool = False) -> None:
        """Ask it no more."""
        follower = self._followers.pop(vm_id, None)
        if follower is not None:
            follower[0].cancel()
        if not keep_facts:
            self._facts.pop(vm_id, None)

    def retain(self, vm_ids: set[str]) -> None:
        """Forget all others."""
        for vm_id in (self._followers.keys() | self._facts.keys()) - vm_ids:
            self.forget(vm_id)

    async def close(self) -> None:
        """Ask nobody any more."""
        tasks = [task for task, _ in self._followers.values()]
        self._followers.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, vm_id: str, anew: asyncio.Event) -> None:
        pause, longest = self._pauses
        while True:
            try:
                async with self._gate:
                    facts = await self._ask(vm_id)
            except NotFound:
                facts = None  # it went while it was asked; the hypervisor's own event follows
            except AltusError as error:
                _log.warning("guest could not be asked", vm=vm_id, error=error.message)
                facts = None
            if facts is not None:
                self._told(vm_id, facts)
            try:
                await asyncio.wait_for(anew.wait(), pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
                anew.clear()
                pause = self._pauses[0]
            except TimeoutError:
                pause = min(pause * 2, longest)

    def _told(self, vm_id: str, facts: GuestFacts) -> None:
        before = self._facts.get(vm_id)
        self._facts[vm_id] = facts
        if before is None or _timeless(before) != _timeless(facts):
            self._tell(vm_id)


def _timeless(facts: GuestFacts) -> GuestFacts:
    """Without what changes all the time: the hour, and how full file systems are to the last byte."""
    filesystems = tuple(dataclasses.replace(fs, used=fs.used >> 24) for fs in facts.filesystems)
    return dataclasses.replace(facts, observed_at=_NEVER, filesystems=filesystems)
