"""A hypervisor that runs nothing: fast, and held to the same contract suite as the real one.

Its guests have an agent soon after they start, power off when asked and echo on their serial console. What goes wrong
on real hosts is done to it explicitly: `fail_next`, `crash`, `disconnect`; and by `others`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

from altus.common.errors import AltusError, Conflict
from altus.drivers.hypervisor.base import ByteStream, HypervisorCapabilities, VmAttachments
from altus.drivers.hypervisor.fake_devices import FakeDevices
from altus.drivers.hypervisor.fake_host import ACTIVE, FakeHost, domain_facts, facts, not_running, observation
from altus.drivers.hypervisor.fake_migration import FakeMigrations
from altus.drivers.hypervisor.fake_others import FakeAdoptions, Others
from altus.drivers.hypervisor.fake_store import FakeVm
from altus.drivers.hypervisor.fake_stream import FakeStream
from altus.drivers.hypervisor.fake_switch import FakeDisks
from altus.drivers.hypervisor.png import png
from altus.drivers.hypervisor.seed import user_data
from altus.model.cpu import CpuOffer, require_cpu
from altus.model.domain import DomainFacts
from altus.model.host import Acceleration
from altus.model.vm import GuestFacts, VmDefinition, VmEvent, VmObservation, VmState

_WIDTH, _HEIGHT = 640, 480
FAKE_CPUS = CpuOffer(models=("Better", "Good"), features=("cmov", "lm", "sse2"))
"""Everything that a fake can give, unless told."""


class FakeHypervisor:
    """VMs in memory or, given `path`, in a file that outlives the process. A guest's agent answers `guest_seconds`
    after a start; an asked guest is off after `shutdown_seconds`. `cpus` are those that it can give."""

    def __init__(self, path: Path | None = None, *, guest_seconds: float = 0.02, shutdown_seconds: float = 0.02,
                 cpus: CpuOffer = FAKE_CPUS):  # fmt: skip
        self._host = FakeHost(path)
        self.cpus = cpus
        self._guest_seconds = guest_seconds
        self._shutdown_seconds = shutdown_seconds
        self.boots = True
        """Whether guests come to the end of their boot, where their agent answers; before, they hear nothing if not."""
        self.migrations = FakeMigrations(self._host)
        self.others = Others(self._host)
        self.adoptions = FakeAdoptions(self._host)
        self.disks = FakeDisks(self._host)
        self.devices = FakeDevices(self._host)

    # -- what tests do to it -------------------------------------------------------------------------------------------

    def fail_next(self, operation: str, error: AltusError) -> None:
        """The next call of the method `operation` raises `error` and does nothing; several queue up."""
        self._host.faults[operation].append(error)

    def crash(self, vm_id: str) -> None:
        """End a running VM as if its QEMU had been killed."""
        self._host.change(self._host.find(vm_id), VmState.CRASHED, "crashed")

    def disconnect(self) -> None:
        """Be unreachable until `reconnect`, as if libvirtd had been killed; VMs run on."""
        self._host.away = True
        self._host.end_subscriptions()

    def reconnect(self) -> None:
        """Be there again."""
        self._host.away = False

    # -- the protocol --------------------------------------------------------------------------------------------------

    async def capabilities(self) -> HypervisorCapabilities:
        """See `Hypervisor.capabilities`."""
        self._host.enter("capabilities")
        return HypervisorCapabilities(
            acceleration=Acceleration.TCG,
            acceleration_reason="The fake hypervisor runs no guests.",
            versions={"fake": "1"},
            uefi=True,
            guest_cpus=self.cpus,
        )

    async def define(self, vm: VmDefinition, attachments: VmAttachments) -> None:
        """See `Hypervisor.define`."""
        self._host.enter("define")
        if attachments.seed is not None:
            user_data(attachments.seed)  # refuses what the real one refuses
        known = self._host.vms.get(vm.id)
        disks = tuple(disk.path for disk in attachments.disks)
        self._host.foreign.pop(vm.id, None)
        self._host.save(dataclasses.replace(known or FakeVm(vm=vm), vm=vm, disks=disks, persistent=True,
                                             left=False), "defined")  # fmt: skip

    async def undefine(self, vm_id: str) -> None:
        """See `Hypervisor.undefine`."""
        self._host.enter("undefine")
        found = self._host.vms.get(vm_id)
        if found is None:
            return
        if found.state in ACTIVE:
            raise Conflict("The VM is running and cannot be removed.", code="vm.running", hint="Stop it first.",
                           vm_id=vm_id)  # fmt: skip
        self._host.remove(vm_id)

    async def start(self, vm_id: str) -> None:
        """See `Hypervisor.start`."""
        self._host.enter("start")
        found = self._host.find(vm_id)
        if found.state not in ACTIVE:
            require_cpu("The host", self.cpus, found.cpu if found.state is VmState.SUSPENDED else found.vm.cpu)
            self._host.change(found, VmState.RUNNING, "started")
            if self.boots:
                self._host.later(vm_id, self._guest_seconds, self._host.agent_connects)

    async def shutdown(self, vm_id: str) -> None:
        """See `Hypervisor.shutdown`."""
        self._host.enter("shutdown")
        found = self._host.find(vm_id)
        if found.state is VmState.SUSPENDED:
            raise not_running(vm_id)
        if found.state is VmState.RUNNING and (self.boots or vm_id in self._host.with_agent):
            self._host.later(vm_id, self._shutdown_seconds, self._host.powers_off)

    async def destroy(self, vm_id: str) -> None:
        """See `Hypervisor.destroy`."""
        self._host.enter("destroy")
        found = self._host.vms.get(vm_id)
        if found is not None and found.state is not VmState.STOPPED:
            self._host.change(found, VmState.STOPPED, "power cut")

    async def reboot(self, vm_id: str, *, force: bool) -> None:
        """See `Hypervisor.reboot`."""
        self._host.enter("reboot")
        found = self._host.require_active(vm_id)
        if found.state is VmState.RUNNING:
            self._host.with_agent.discard(vm_id)
            self._host.tell(self._host.changed(found, "restarted" if force else "restarted by its guest"))
            self._host.later(vm_id, self._guest_seconds, self._host.agent_connects)

    async def pause(self, vm_id: str) -> None:
        """See `Hypervisor.pause`."""
        self._host.enter("pause")
        found = self._host.require_active(vm_id)
        if found.state is VmState.RUNNING:
            self._host.change(found, VmState.PAUSED, "paused")

    async def resume(self, vm_id: str) -> None:
        """See `Hypervisor.resume`."""
        self._host.enter("resume")
        found = self._host.require_active(vm_id)
        if found.state is VmState.PAUSED:
            self._host.change(found, VmState.RUNNING, "resumed")
            self._host.later(vm_id, self._guest_seconds, self._host.agent_connects)

    async def suspend(self, vm_id: str) -> None:
        """See `Hypervisor.suspend`."""
        self._host.enter("suspend")
        if self._host.find(vm_id).state is not VmState.SUSPENDED:
            self._host.change(self._host.require_active(vm_id), VmState.SUSPENDED, "suspended")

    async def observe(self, vm_id: str) -> VmObservation | None:
        """See `Hypervisor.observe`."""
        self._host.enter("observe")
        found = self._host.vms.get(vm_id)
        return None if found is None else observation(found)

    async def observe_all(self) -> list[VmObservation]:
        """See `Hypervisor.observe_all`."""
        self._host.enter("observe_all")
        return [observation(found) for found in self._host.vms.values()]

    async def guest(self, vm_id: str) -> GuestFacts | None:
        """See `Hypervisor.guest`."""
        self._host.enter("guest")
        found = self._host.find(vm_id)
        return facts(found.vm) if found.state is VmState.RUNNING and vm_id in self._host.with_agent else None

    async def domains(self) -> list[DomainFacts]:
        """See `Hypervisor.domains`."""
        self._host.enter("domains")
        return [*(domain_facts(found) for found in self._host.vms.values()), *self._host.foreign.values()]

    async def sign(self) -> str:
        """See `Hypervisor.sign`."""
        self._host.enter("sign")
        return str(self._host.changes)

    def events(self) -> AsyncIterator[VmEvent]:
        """See `Hypervisor.events`."""
        return self._host.subscribe()

    async def open_serial(self, vm_id: str) -> ByteStream:
        """See `Hypervisor.open_serial`."""
        self._host.enter("open_serial")
        found = self._host.require_active(vm_id)
        if vm_id in self._host.serials:
            self._host.serials[vm_id].end()
        stream = self._host.serials[vm_id] = FakeStream(f"\r\n{found.vm.name} login: ".encode(), echo=True)
        return stream

    async def open_vnc(self, vm_id: str) -> ByteStream:
        """See `Hypervisor.open_vnc`."""
        self._host.enter("open_vnc")
        self._host.require_active(vm_id)
        stream = FakeStream(b"RFB 003.008\n", echo=False)
        self._host.displays[vm_id].append(stream)
        return stream

    async def screenshot(self, vm_id: str) -> bytes:
        """See `Hypervisor.screenshot`."""
        self._host.enter("screenshot")
        self._host.require_active(vm_id)
        return png(_WIDTH, _HEIGHT, bytes(3 * _WIDTH * _HEIGHT))

    async def close(self) -> None:
        """See `Hypervisor.close`."""
        self._host.close()
