"""Following the hypervisor: its events, its loss and return, and a look at everything now and then."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable

import structlog

from altus.agent.guests import Guests
from altus.common.errors import AltusError
from altus.drivers.hypervisor.base import Hypervisor
from altus.model.vm import VmEvent, VmEventKind, VmObservation
from altus.wire.agent import HostMessage, StateSeen, VmHappened

_LOOK_AGAIN = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
GUEST_TOLD = "guest-facts"
_log = structlog.get_logger(__name__)


class VmWatcher:
    """Keeps what is known of the host's VMs and publishes every change. `warn` is given a sentence while the
    hypervisor is away, and an empty one when it is back."""

    def __init__(self, hypervisor: Hypervisor, publish: Callable[[HostMessage], None],
                 warn: Callable[[str], None], look_again: float = _LOOK_AGAIN) -> None:  # fmt: skip
        self._hypervisor = hypervisor
        self._publish = publish
        self._warn = warn
        self._look_again = look_again
        self._known: dict[str, VmObservation] = {}
        self._touched: set[str] = set()
        self._looked = 0
        self._looking = asyncio.Lock()
        self._blind = False
        self.guests = Guests(hypervisor.guest, self._guest_told)

    @property
    def sees(self) -> bool:
        """Whether the hypervisor answers."""
        return not self._blind

    def states(self) -> Counter[str]:
        """How many VMs are in which state."""
        return Counter(seen.state.value for seen in self._known.values())

    async def run(self) -> None:
        """Follow until cancelled."""
        pause = _FIRST_PAUSE
        try:
            while True:
                try:
                    await self._follow()
                    pause = _FIRST_PAUSE
                except AltusError as error:
                    if not self._blind:
                        _log.warning("the hypervisor does not answer", error=error.message)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                self._blind = True
                self._warn("The hypervisor does not answer; what its VMs do is not known.")
                await asyncio.sleep(pause)
        finally:
            await self.guests.close()

    async def current(self) -> list[VmObservation] | None:
        """All VMs as they are now; None if the hypervisor does not answer."""
        try:
            await self._look()
        except AltusError:
            self._blind = True
            return None
        return [self.guests.enrich(seen) for seen in self._known.values()]

    async def _follow(self) -> None:
        """Until the connection to the hypervisor is lost."""
        pump = asyncio.create_task(self._pump(self._hypervisor.events()))
        try:
            await asyncio.sleep(0)  # the pump listens before we look, so that nothing falls between
            while not pump.done():
                if await self._look() or self._blind:
                    self._publish_state()
                self._blind = False
                self._warn("")
                await asyncio.wait([pump], timeout=self._look_again)
            pump.result()
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    async def _pump(self, events: AsyncIterator[VmEvent]) -> None:
        async for event in events:
            self._touched.add(event.vm_id)
            seen = event.observation
            if event.kind is VmEventKind.REMOVED or seen is None:
                self._known.pop(event.vm_id, None)
                self.guests.forget(event.vm_id)
                self._publish(VmHappened(event=event))
            else:
                seen = self._known[seen.id] = self.guests.learn(seen)
                self.guests.notice(seen)
                self._publish_vm(event.kind, seen, event.reason)

    async def _look(self) -> bool:
        """See everything; whether something was not as known. What events told meanwhile is newer than the look."""
        async with self._looking:
            self._touched.clear()
            begun = time.monotonic_ns()
            listed = await self._hypervisor.observe_all()
            seen = {vm.id: self.guests.learn(vm) for vm in listed if vm.id not in self._touched}
            seen.update({vm_id: vm for vm_id, vm in self._known.items() if vm_id in self._touched})
            changed = [vm for vm_id, vm in seen.items() if self._known.get(vm_id) != vm]
            gone = self._known.keys() - seen.keys()
            self._known, self._looked = seen, begun
            self.guests.retain(set(seen))
            for vm in changed:
                self.guests.notice(vm)
            return bool(changed or gone)

    def _publish_state(self) -> None:
        vms = [self.guests.enrich(seen) for seen in self._known.values()]
        self._publish(StateSeen(order=self._looked, vms=vms))

    def _guest_told(self, vm_id: str) -> None:
        seen = self._known.get(vm_id)
        if seen is not None:
            self._publish_vm(VmEventKind.CHANGED, seen, GUEST_TOLD)

    def _publish_vm(self, kind: VmEventKind, seen: VmObservation, reason: str) -> None:
        event = VmEvent(kind=kind, vm_id=seen.id, reason=reason, observation=self.guests.enrich(seen))
        self._publish(VmHappened(event=event))
