"""What is behind the fake hypervisor: its VMs, what their guests are about to do, and who listens."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from altus.common.errors import AltusError, Conflict, NotFound, Unavailable
from altus.drivers.hypervisor.fake_store import FakeStore, FakeVm, devices_of
from altus.drivers.hypervisor.fake_stream import FakeStream
from altus.model.domain import DomainDevices, DomainFacts
from altus.model.vm import GuestFacts, GuestFilesystem, VmDefinition, VmEvent, VmEventKind, VmObservation, VmState

ACTIVE = frozenset({VmState.RUNNING, VmState.PAUSED})
_GIB = 1 << 30


class FakeHost:
    """The fake's state and its clockwork."""

    def __init__(self, path: Path | None) -> None:
        self._store = FakeStore(path)
        self.vms = {found.vm.id: found for found in self._store.load()}
        self.with_agent = {vm_id for vm_id, found in self.vms.items() if found.state is VmState.RUNNING}
        self.faults: defaultdict[str, deque[AltusError]] = defaultdict(deque)
        self.away = False
        self.changes = 0
        self.foreign: dict[str, DomainFacts] = {}
        self.serials: dict[str, FakeStream] = {}
        self.displays: defaultdict[str, list[FakeStream]] = defaultdict(list)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._subscribers: set[asyncio.Queue[VmEvent | None]] = set()

    def enter(self, operation: str) -> None:
        """Every call begins here: with a fault that was asked for, or as unreachable."""
        if self.away:
            raise Unavailable("The fake hypervisor does not answer: it was disconnected.",
                              code="hypervisor.unavailable")  # fmt: skip
        if self.faults[operation]:
            raise self.faults[operation].popleft()

    def find(self, vm_id: str) -> FakeVm:
        """The VM, or `NotFound`."""
        try:
            return self.vms[vm_id]
        except KeyError:
            raise NotFound(f"VM {vm_id} is not on this host.", code="vm.not_on_host", vm_id=vm_id) from None

    def require_active(self, vm_id: str) -> FakeVm:
        """The VM if it runs or is paused."""
        found = self.find(vm_id)
        if found.state not in ACTIVE:
            raise not_running(vm_id)
        return found

    def change(self, found: FakeVm, state: VmState, reason: str) -> None:
        """Change a VM's state; a guest that does not run has no agent and no consoles."""
        vm_id = found.vm.id
        if state is not VmState.RUNNING:
            self.with_agent.discard(vm_id)
        if state not in ACTIVE:
            if vm_id in self._timers:
                self._timers.pop(vm_id).cancel()
            self._hang_up(vm_id)
        kept = found.state.keeps_guest
        cpu, live = (found.cpu, found.live) if kept else (found.vm.cpu, devices_of(found.vm, found.disks))
        if not state.keeps_guest:
            cpu, live = None, None
        self.save(dataclasses.replace(found, state=state, cpu=cpu, live=live), reason)

    def save(self, found: FakeVm, reason: str) -> None:
        """Keep a VM and tell of it."""
        self.vms[found.vm.id] = found
        self._store.save(found)
        self.tell(self.changed(found, reason))

    def remove(self, vm_id: str) -> None:
        """Forget a VM."""
        del self.vms[vm_id]
        self._store.remove(vm_id)
        self.tell(VmEvent(kind=VmEventKind.REMOVED, vm_id=vm_id, reason="undefined"))

    def later(self, vm_id: str, seconds: float, what: Callable[[str], None]) -> None:
        """Let the guest do something after a while; what it was about to do is forgotten."""
        if vm_id in self._timers:
            self._timers[vm_id].cancel()
        self._timers[vm_id] = asyncio.get_running_loop().call_later(seconds, what, vm_id)

    def agent_connects(self, vm_id: str) -> None:
        """The guest is up."""
        found = self.vms.get(vm_id)
        if found is not None and found.state is VmState.RUNNING:
            self.with_agent.add(vm_id)
            self.tell(self.changed(found, "guest agent connected", facts(found.vm)))

    def powers_off(self, vm_id: str) -> None:
        """The guest does what it was asked to."""
        found = self.vms.get(vm_id)
        if found is not None and found.state is VmState.RUNNING:
            self.change(found, VmState.STOPPED, "powered off by its guest")

    def _hang_up(self, vm_id: str) -> None:
        for stream in (*filter(None, [self.serials.pop(vm_id, None)]), *self.displays.pop(vm_id, [])):
            stream.end()

    def changed(self, found: FakeVm, reason: str, guest: GuestFacts | None = None) -> VmEvent:
        """The event that tells of a VM's state."""
        return VmEvent(kind=VmEventKind.CHANGED, vm_id=found.vm.id, reason=reason,
                       observation=observation(found, guest))  # fmt: skip

    def tell(self, event: VmEvent) -> None:
        """Give an event to all who listen."""
        self.changes += 1
        if not self.away:
            for queue in self._subscribers:
                queue.put_nowait(event)

    def end_subscriptions(self) -> None:
        """Nobody hears anything any more."""
        for queue in self._subscribers:
            queue.put_nowait(None)
        self._subscribers.clear()

    def subscribe(self) -> AsyncIterator[VmEvent]:
        """Events from now on, until the host is away."""
        queue: asyncio.Queue[VmEvent | None] = asyncio.Queue()
        if not self.away:
            self._subscribers.add(queue)
        return self._events(queue)

    def close(self) -> None:
        """End all that goes on in this process; the VMs stay as they are."""
        self.away = True
        for timer in self._timers.values():
            timer.cancel()
        for vm_id in self.vms:
            self._hang_up(vm_id)
        self.end_subscriptions()
        self._store.close()

    async def _events(self, queue: asyncio.Queue[VmEvent | None]) -> AsyncIterator[VmEvent]:
        with contextlib.ExitStack() as leaving:
            leaving.callback(self._subscribers.discard, queue)
            if queue.empty() and queue not in self._subscribers:
                self.enter("events")
                self._subscribers.add(queue)
            while (event := await queue.get()) is not None:
                yield event


def observation(found: FakeVm, guest: GuestFacts | None = None) -> VmObservation:
    """What is seen of a VM."""
    return VmObservation(id=found.vm.id, name=found.vm.name, state=found.state, revision=found.vm.revision, guest=guest,
                         order=time.monotonic_ns())  # fmt: skip


def domain_facts(found: FakeVm) -> DomainFacts:
    """How a VM is defined."""
    hardware, defined = found.vm.hardware, _nameless(devices_of(found.vm, found.disks))
    return DomainFacts(id=found.vm.id, name=f"altus-{found.vm.id}", state=found.state, ours=True,
                       persistent=found.persistent, vcpus=hardware.vcpus, memory=hardware.memory,
                       disks=defined.disks, nics=defined.nics,
                       live=_nameless(found.live) if found.live and found.state in ACTIVE else None)  # fmt: skip


def _nameless(devices: DomainDevices) -> DomainDevices:
    """A hypervisor knows of no volumes."""
    disks = tuple(dataclasses.replace(disk, volume_id="") for disk in devices.disks)
    return dataclasses.replace(devices, disks=disks)


def facts(vm: VmDefinition) -> GuestFacts:
    """What the VM's guest tells."""
    return GuestFacts(
        agent_version="1.0",
        hostname=vm.name,
        os_name="Fake OS",
        kernel="1.0.0",
        addresses=tuple(nic.address for nic in vm.hardware.nics if nic.address),
        filesystems=(GuestFilesystem(mountpoint="/", type="ext4", total=2 * _GIB, used=_GIB),),
    )


def not_running(vm_id: str) -> Conflict:
    """What was asked for needs a running guest."""
    return Conflict(f"VM {vm_id} is not running.", code="vm.not_running", hint="Start it first.", vm_id=vm_id)
