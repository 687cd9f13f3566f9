"""A hypervisor that runs nothing: fast, and held to the same contract suite as the real one.

Its guests have an agent soon after they start, power off when asked and echo on their serial console. What goes wrong
on real hosts is done to it explicitly: `fail_next`, `crash`, `disconnect`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from altus.common.errors import AltusError, Conflict, NotFound, Unavailable
from altus.drivers.hypervisor.base import ByteStream, HypervisorCapabilities, VmAttachments
from altus.drivers.hypervisor.fake_store import FakeStore, FakeVm
from altus.drivers.hypervisor.fake_stream import FakeStream
from altus.drivers.hypervisor.png import png
from altus.drivers.hypervisor.seed import user_data
from altus.model.host import Acceleration
from altus.model.vm import (
    GuestFacts,
    GuestFilesystem,
    VmDefinition,
    VmEvent,
    VmEventKind,
    VmObservation,
    VmState,
)

_ACTIVE = frozenset({VmState.RUNNING, VmState.PAUSED})
_WIDTH, _HEIGHT = 640, 480
_GIB = 1 << 30


class FakeHypervisor:
    """VMs in memory or, given `path`, in a file that outlives the process. A guest's agent answers `guest_seconds`
    after a start; an asked guest is off after `shutdown_seconds`."""

    def __init__(self, path: Path | None = None, *, guest_seconds: float = 0.02, shutdown_seconds: float = 0.02):
        self._store = FakeStore(path)
        self._vms = {found.vm.id: found for found in self._store.load()}
        self._with_agent = {vm_id for vm_id, found in self._vms.items() if found.state is VmState.RUNNING}
        self._guest_seconds = guest_seconds
        self._shutdown_seconds = shutdown_seconds
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._serials: dict[str, FakeStream] = {}
        self._displays: defaultdict[str, list[FakeStream]] = defaultdict(list)
        self._subscribers: set[asyncio.Queue[VmEvent | None]] = set()
        self._faults: defaultdict[str, deque[AltusError]] = defaultdict(deque)
        self._away = False

    # -- what tests do to it -------------------------------------------------------------------------------------------

    def fail_next(self, operation: str, error: AltusError) -> None:
        """The next call of the method `operation` raises `error` and does nothing; several queue up."""
        self._faults[operation].append(error)

    def crash(self, vm_id: str) -> None:
        """End a running VM as if its QEMU had been killed."""
        self._change(self._find(vm_id), VmState.CRASHED, "crashed")

    def disconnect(self) -> None:
        """Be unreachable until `reconnect`, as if libvirtd had been killed; VMs run on."""
        self._away = True
        self._end_subscriptions()

    def reconnect(self) -> None:
        """Be there again."""
        self._away = False

    # -- the protocol --------------------------------------------------------------------------------------------------

    async def capabilities(self) -> HypervisorCapabilities:
        """See `Hypervisor.capabilities`."""
        self._enter("capabilities")
        return HypervisorCapabilities(
            acceleration=Acceleration.TCG,
            acceleration_reason="The fake hypervisor runs no guests.",
            versions={"fake": "1"},
            uefi=True,
        )

    async def define(self, vm: VmDefinition, attachments: VmAttachments) -> None:
        """See `Hypervisor.define`."""
        self._enter("define")
        if attachments.seed is not None:
            user_data(attachments.seed)  # refuses what the real one refuses
        known = self._vms.get(vm.id)
        self._save(FakeVm(vm=vm, state=known.state if known else VmState.STOPPED), "defined")

    async def undefine(self, vm_id: str) -> None:
        """See `Hypervisor.undefine`."""
        self._enter("undefine")
        found = self._vms.get(vm_id)
        if found is None:
            return
        if found.state in _ACTIVE:
            raise Conflict("The VM is running and cannot be removed.", code="vm.running", hint="Stop it first.",
                           vm_id=vm_id)  # fmt: skip
        del self._vms[vm_id]
        self._store.remove(vm_id)
        self._tell(VmEvent(kind=VmEventKind.REMOVED, vm_id=vm_id, reason="undefined"))

    async def start(self, vm_id: str) -> None:
        """See `Hypervisor.start`."""
        self._enter("start")
        found = self._find(vm_id)
        if found.state not in _ACTIVE:
            self._change(found, VmState.RUNNING, "started")
            self._later(vm_id, self._guest_seconds, self._agent_connects)

    async def shutdown(self, vm_id: str) -> None:
        """See `Hypervisor.shutdown`."""
        self._enter("shutdown")
        found = self._find(vm_id)
        if found.state is VmState.SUSPENDED:
            raise _not_running(vm_id)
        if found.state is VmState.RUNNING:
            self._later(vm_id, self._shutdown_seconds, self._powers_off)

    async def destroy(self, vm_id: str) -> None:
        """See `Hypervisor.destroy`."""
        self._enter("destroy")
        found = self._vms.get(vm_id)
        if found is not None and found.state is not VmState.STOPPED:
            self._change(found, VmState.STOPPED, "power cut")

    async def reboot(self, vm_id: str, *, force: bool) -> None:
        """See `Hypervisor.reboot`."""
        self._enter("reboot")
        found = self._require_active(vm_id)
        if found.state is VmState.RUNNING:
            self._with_agent.discard(vm_id)
            self._tell(self._changed(found, "restarted" if force else "restarted by its guest"))
            self._later(vm_id, self._guest_seconds, self._agent_connects)

    async def pause(self, vm_id: str) -> None:
        """See `Hypervisor.pause`."""
        self._enter("pause")
        found = self._require_active(vm_id)
        if found.state is VmState.RUNNING:
            self._change(found, VmState.PAUSED, "paused")

    async def resume(self, vm_id: str) -> None:
        """See `Hypervisor.resume`."""
        self._enter("resume")
        found = self._require_active(vm_id)
        if found.state is VmState.PAUSED:
            self._change(found, VmState.RUNNING, "resumed")
            self._later(vm_id, self._guest_seconds, self._agent_connects)

    async def suspend(self, vm_id: str) -> None:
        """See `Hypervisor.suspend`."""
        self._enter("suspend")
        if self._find(vm_id).state is not VmState.SUSPENDED:
            self._change(self._require_active(vm_id), VmState.SUSPENDED, "suspended")

    async def observe(self, vm_id: str) -> VmObservation | None:
        """See `Hypervisor.observe`."""
        self._enter("observe")
        found = self._vms.get(vm_id)
        return None if found is None else _observation(found)

    async def observe_all(self) -> list[VmObservation]:
        """See `Hypervisor.observe_all`."""
        self._enter("observe_all")
        return [_observation(found) for found in self._vms.values()]

    async def guest(self, vm_id: str) -> GuestFacts | None:
        """See `Hypervisor.guest`."""
        self._enter("guest")
        found = self._find(vm_id)
        return _facts(found.vm) if found.state is VmState.RUNNING and vm_id in self._with_agent else None

    def events(self) -> AsyncIterator[VmEvent]:
        """See `Hypervisor.events`."""
        queue: asyncio.Queue[VmEvent | None] = asyncio.Queue()
        if not self._away:
            self._subscribers.add(queue)
        return self._events(queue)

    async def open_serial(self, vm_id: str) -> ByteStream:
        """See `Hypervisor.open_serial`."""
        self._enter("open_serial")
        found = self._require_active(vm_id)
        if vm_id in self._serials:
            self._serials[vm_id].end()
        stream = self._serials[vm_id] = FakeStream(f"\r\n{found.vm.name} login: ".encode(), echo=True)
        return stream

    async def open_vnc(self, vm_id: str) -> ByteStream:
        """See `Hypervisor.open_vnc`."""
        self._enter("open_vnc")
        self._require_active(vm_id)
        stream = FakeStream(b"RFB 003.008\n", echo=False)
        self._displays[vm_id].append(stream)
        return stream

    async def screenshot(self, vm_id: str) -> bytes:
        """See `Hypervisor.screenshot`."""
        self._enter("screenshot")
        self._require_active(vm_id)
        return png(_WIDTH, _HEIGHT, bytes(3 * _WIDTH * _HEIGHT))

    async def close(self) -> None:
        """See `Hypervisor.close`."""
        self._away = True
        for timer in self._timers.values():
            timer.cancel()
        for vm_id in list(self._vms):
            self._hang_up(vm_id)
        self._end_subscriptions()
        self._store.close()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _enter(self, operation: str) -> None:
        """Every call begins here: with a fault that was asked for, or as unreachable."""
        if self._away:
            raise Unavailable("The fake hypervisor does not answer: it was disconnected.",
                              code="hypervisor.unavailable")  # fmt: skip
        if self._faults[operation]:
            raise self._faults[operation].popleft()

    def _find(self, vm_id: str) -> FakeVm:
        try:
            return self._vms[vm_id]
        except KeyError:
            raise NotFound(f"VM {vm_id} is not on this host.", code="vm.not_on_host", vm_id=vm_id) from None

    def _require_active(self, vm_id: str) -> FakeVm:
        found = self._find(vm_id)
        if found.state not in _ACTIVE:
            raise _not_running(vm_id)
        return found

    def _change(self, found: FakeVm, state: VmState, reason: str) -> None:
        """Change a VM's state; a guest that does not run has no agent and no consoles."""
        vm_id = found.vm.id
        if state is not VmState.RUNNING:
            self._with_agent.discard(vm_id)
        if state not in _ACTIVE:
            if vm_id in self._timers:
                self._timers.pop(vm_id).cancel()
            self._hang_up(vm_id)
        self._save(FakeVm(vm=found.vm, state=state), reason)

    def _save(self, found: FakeVm, reason: str) -> None:
        self._vms[found.vm.id] = found
        self._store.save(found)
        self._tell(self._changed(found, reason))

    def _later(self, vm_id: str, seconds: float, what: Callable[[str], None]) -> None:
        """Let the guest do something after a while; what it was about to do is forgotten."""
        if vm_id in self._timers:
            self._timers[vm_id].cancel()
        self._timers[vm_id] = asyncio.get_running_loop().call_later(seconds, what, vm_id)

    def _agent_connects(self, vm_id: str) -> None:
        found = self._vms.get(vm_id)
        if found is not None and found.state is VmState.RUNNING:
            self._with_agent.add(vm_id)
            self._tell(self._changed(found, "guest agent connected", _facts(found.vm)))

    def _powers_off(self, vm_id: str) -> None:
        found = self._vms.get(vm_id)
        if found is not None and found.state is VmState.RUNNING:
            self._change(found, VmState.STOPPED, "powered off by its guest")

    def _hang_up(self, vm_id: str) -> None:
        for stream in (*filter(None, [self._serials.pop(vm_id, None)]), *self._displays.pop(vm_id, [])):
            stream.end()

    def _changed(self, found: FakeVm, reason: str, guest: GuestFacts | None = None) -> VmEvent:
        return VmEvent(kind=VmEventKind.CHANGED, vm_id=found.vm.id, reason=reason,
                       observation=_observation(found, guest))  # fmt: skip

    def _tell(self, event: VmEvent) -> None:
        if not self._away:
            for queue in self._subscribers:
                queue.put_nowait(event)

    def _end_subscriptions(self) -> None:
        for queue in self._subscribers:
            queue.put_nowait(None)
        self._subscribers.clear()

    async def _events(self, queue: asyncio.Queue[VmEvent | None]) -> AsyncIterator[VmEvent]:
        with contextlib.ExitStack() as leaving:
            leaving.callback(self._subscribers.discard, queue)
            if queue.empty() and queue not in self._subscribers:
                self._enter("events")
                self._subscribers.add(queue)
            while (event := await queue.get()) is not None:
                yield event


def _observation(found: FakeVm, guest: GuestFacts | None = None) -> VmObservation:
    return VmObservation(id=found.vm.id, name=found.vm.name, state=found.state, revision=found.vm.revision, guest=guest)


def _facts(vm: VmDefinition) -> GuestFacts:
    return GuestFacts(
        agent_version="1.0",
        hostname=vm.name,
        os_name="Fake OS",
        kernel="1.0.0",
        addresses=tuple(nic.address for nic in vm.hardware.nics if nic.address),
        filesystems=(GuestFilesystem(mountpoint="/", type="ext4", total=2 * _GIB, used=_GIB),),
    )


def _not_running(vm_id: str) -> Conflict:
    return Conflict(f"VM {vm_id} is not running.", code="vm.not_running", hint="Start it first.", vm_id=vm_id)
