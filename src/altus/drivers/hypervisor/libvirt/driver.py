"""The hypervisor protocol on libvirt: ties the room's modules together."""

from __future__ import annotations

import asyncio
import functools
import weakref
from collections.abc import AsyncIterator
from pathlib import Path

import libvirt

from altus.common.errors import NotFound
from altus.drivers.hypervisor.base import ByteStream, HypervisorCapabilities, VmAttachments
from altus.drivers.hypervisor.libvirt import console, domains, guest, lifecycle, observe, screenshot, vnc
from altus.drivers.hypervisor.libvirt.adopt import LibvirtAdoptions
from altus.drivers.hypervisor.libvirt.build import HostChoices, build_domain
from altus.drivers.hypervisor.libvirt.connection import Connection
from altus.drivers.hypervisor.libvirt.devices import LibvirtDevices
from altus.drivers.hypervisor.libvirt.direct_io import direct_io
from altus.drivers.hypervisor.libvirt.events import EventHub
from altus.drivers.hypervisor.libvirt.folders import Folders
from altus.drivers.hypervisor.libvirt.migration import LibvirtMigrations
from altus.drivers.hypervisor.libvirt.migration_doors import remove_folder
from altus.drivers.hypervisor.libvirt.probe_host import kvm_verdict, read_capabilities
from altus.drivers.hypervisor.libvirt.switch import LibvirtDisks
from altus.drivers.hypervisor.seed import seed_iso
from altus.model.domain import DomainFacts
from altus.model.host import Acceleration
from altus.model.vm import GuestFacts, VmDefinition, VmEvent, VmObservation, VmState

_GUEST_SECONDS = 2.0


class LibvirtHypervisor:
    """One host's QEMU/KVM through its libvirtd. `state_dir` must be passable for QEMU's user. A guest has
    `release_seconds` to let go of a device."""

    def __init__(self, state_dir: Path, uri: str = "qemu:///system", *, release_seconds: float = 30.0) -> None:
        self._folders = Folders(state_dir)
        self._consoles: weakref.WeakSet[console.ConsoleStream] = weakref.WeakSet()
        self._connection = Connection(uri, on_open=self._opened, on_loss=self._lost)
        self._hub = EventHub(
            connect=self._connection.get,
            observe=self.observe,
            ask_guest=self.guest,
            started=self._folders.new_run,
        )
        self.migrations = LibvirtMigrations(self._connection)
        self.adoptions = LibvirtAdoptions(self._connection, self._folders)
        self.disks = LibvirtDisks(self._connection)
        self.devices = LibvirtDevices(self._connection, release_seconds)
        self._capabilities: HypervisorCapabilities | None = None
        self._probing = asyncio.Lock()

    async def capabilities(self) -> HypervisorCapabilities:
        """See `Hypervisor.capabilities`."""
        async with self._probing:
            if self._capabilities is None:
                verdict = await kvm_verdict(self._folders.kvm_probe)
                self._capabilities = await self._connection.run(lambda found: read_capabilities(found, verdict))
            return self._capabilities

    async def define(self, vm: VmDefinition, attachments: VmAttachments) -> None:
        """See `Hypervisor.define`; `virDomainDefineXML`."""
        acceleration = (await self.capabilities()).acceleration
        await self._connection.run(lambda found: self._define(found, vm, attachments, acceleration), vm.id)

    async def undefine(self, vm_id: str) -> None:
        """See `Hypervisor.undefine`."""
        await self._unless_missing(vm_id, lifecycle.undefine)
        await asyncio.to_thread(self._folders.remove, vm_id)
        await asyncio.to_thread(remove_folder, vm_id)

    async def start(self, vm_id: str) -> None:
        """See `Hypervisor.start`."""
        offer = (await self.capabilities()).guest_cpus
        await self._connection.run_domain(vm_id, functools.partial(lifecycle.start, offer=offer))

    async def shutdown(self, vm_id: str) -> None:
        """See `Hypervisor.shutdown`."""
        await self._connection.run_domain(vm_id, lifecycle.shutdown)

    async def destroy(self, vm_id: str) -> None:
        """See `Hypervisor.destroy`."""

        def cut(domain: libvirt.virDomain) -> bool:
            """Whether a crash was forgotten by that."""
            lifecycle.destroy(domain)
            crashed = observe.observe(domain, self._folders.crash_forgotten).state is VmState.CRASHED
            if crashed:
                self._folders.forget_crash(vm_id)
            return crashed

        try:
            forgotten = await self._connection.run_domain(vm_id, cut)
        except NotFound:
            return
        if forgotten:  # libvirt knows nothing of it and tells nobody
            self._hub.tell(vm_id, "power cut")

    async def reboot(self, vm_id: str, *, force: bool) -> None:
        """See `Hypervisor.reboot`."""
        await self._connection.run_domain(vm_id, functools.partial(lifecycle.reboot, force=force))

    async def pause(self, vm_id: str) -> None:
        """See `Hypervisor.pause`."""
        await self._connection.run_domain(vm_id, lifecycle.pause)

    async def resume(self, vm_id: str) -> None:
        """See `Hypervisor.resume`."""
        await self._connection.run_domain(vm_id, lifecycle.resume)

    async def suspend(self, vm_id: str) -> None:
        """See `Hypervisor.suspend`."""
        await self._connection.run_domain(vm_id, lifecycle.suspend)

    async def observe(self, vm_id: str) -> VmObservation | None:
        """See `Hypervisor.observe`."""
        forgotten = self._folders.crash_forgotten
        try:
            return await self._connection.run_domain(vm_id, lambda domain: observe.observe(domain, forgotten))
        except NotFound:
            return None

    async def observe_all(self) -> list[VmObservation]:
        """See `Hypervisor.observe_all`."""
        return await self._connection.run(lambda found: observe.observe_all(found, self._folders.crash_forgotten))

    async def guest(self, vm_id: str) -> GuestFacts | None:
        """See `Hypervisor.guest`."""
        try:
            return await asyncio.wait_for(self._connection.run_domain(vm_id, guest.ask_guest), _GUEST_SECONDS)
        except TimeoutError:
            return None

    async def domains(self) -> list[DomainFacts]:
        """See `Hypervisor.domains`."""
        return await self._connection.run(lambda found: domains.domains(found, self._folders.crash_forgotten))

    async def sign(self) -> str:
        """See `Hypervisor.sign`: events of all domains, and what libvirt has written."""
        return f"{self._hub.heard} {domains.definitions_changed()}"

    def events(self) -> AsyncIterator[VmEvent]:
        """See `Hypervisor.events`."""
        return self._hub.subscribe()

    async def open_serial(self, vm_id: str) -> ByteStream:
        """See `Hypervisor.open_serial`."""
        stream = await self._connection.run_domain(vm_id, console.connect)
        opened = console.ConsoleStream(stream, self._connection.executor)
        self._consoles.add(opened)
        await opened.watch()
        return opened

    async def open_vnc(self, vm_id: str) -> ByteStream:
        """See `Hypervisor.open_vnc`."""
        return await vnc.SocketStream.adopt(await self._connection.run_domain(vm_id, vnc.connect))

    async def screenshot(self, vm_id: str) -> bytes:
        """See `Hypervisor.screenshot`."""
        return await self._connection.run_domain(vm_id, screenshot.take)

    async def close(self) -> None:
        """See `Hypervisor.close`."""
        for opened in list(self._consoles):
            await opened.close()
        await self._connection.close()
        self._hub.end()

    async def _unless_missing(self, vm_id: str, call: lifecycle.Change) -> None:
        try:
            await self._connection.run_domain(vm_id, call)
        except NotFound:
            return

    def _define(
        self, connection: libvirt.virConnect, vm: VmDefinition, attachments: VmAttachments, acceleration: Acceleration
    ) -> None:
        """In a worker thread."""
        if attachments.seed is not None:
            self._folders.write_seed(vm.id, seed_iso(vm.id, vm.name, attachments.seed))
        seed = self._folders.seed(vm.id)
        choices = HostChoices(
            acceleration=acceleration,
            direct_io=direct_io(attachments.disks),
            seed=str(seed) if seed.exists() else None,
        )
        connection.defineXML(build_domain(vm, attachments, choices).to_text())

    def _opened(self, connection: libvirt.virConnect, loop: asyncio.AbstractEventLoop) -> None:
        self._hub.register(connection, loop)

    def _lost(self) -> None:
        self._hub.end()
        for opened in list(self._consoles):
            opened.end()
