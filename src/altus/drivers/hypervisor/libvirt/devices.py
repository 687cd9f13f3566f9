"""Devices of running domains: plugged in, taken out, changed. The persistent definition is `define`'s.

A guest lets go of a device when it likes: libvirt only asks it, and tells by an event when the device is gone. Nothing
tells that a device has been asked for, and nothing takes that back.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import libvirt

from altus.drivers.hypervisor.base import VmAttachments
from altus.drivers.hypervisor.libvirt.build_devices import network_interfaces, volume_disks, volume_serial
from altus.drivers.hypervisor.libvirt.connection import Connection
from altus.drivers.hypervisor.libvirt.direct_io import direct_io
from altus.drivers.hypervisor.libvirt.live import LiveDomain, plugged_in_late, tuned
from altus.drivers.hypervisor.libvirt.xml.disk import Disk
from altus.drivers.hypervisor.libvirt.xml.interface import Interface
from altus.drivers.hypervisor.refusals import no_slot
from altus.model.disk_limits import DiskLimits
from altus.model.vm import DiskBus, NicLink, VmDefinition

_LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
_EVENTS = (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED)
_LOOK, _ASK_AGAIN, _SETTLE, _NOTICE = 1.0, 8.0, 10.0, 1.5
"""Seconds: between looks where no event comes; until a guest that was not up yet is asked again; in which a guest that
answers has let go (Linux takes five); until a guest has noticed that its link is down."""
_ASKED_ALREADY = "in the process of unplug"


@dataclass(frozen=True)
class _Wanted:
    """By id of volume and port."""

    disks: dict[str, Disk]
    nics: dict[str, Interface]

    def link(self, port_id: str, held: Collection[str]) -> NicLink:
        """As it is to be; `held` ones have none whatever the definition says."""
        return NicLink.DOWN if port_id in held else NicLink(self.nics[port_id].link or NicLink.UP)


class LibvirtDevices:
    """See `Devices`."""

    def __init__(self, connection: Connection, release_seconds: float) -> None:
        self._connection = connection
        self._release_seconds = release_seconds

    async def plug(self, vm: VmDefinition, attachments: VmAttachments, device_ids: Collection[str], *,
                   held: Collection[str] = (), asked: Collection[str] = ()) -> list[str]:  # fmt: skip
        """See `Devices.plug`; `virDomainAttachDeviceFlags`, `virDomainDetachDeviceAlias`,
        `virDomainUpdateDeviceFlags`, `virDomainSetBlockIoTune`."""
        wanted = await asyncio.to_thread(_wanted, vm, attachments, device_ids)
        await self._gone(vm.id, [one for one in asked if one in wanted.disks or one in wanted.nics], _SETTLE)
        cut = await self._connection.run_domain(vm.id, functools.partial(_put_in, wanted=wanted, held=held))
        if cut:
            await asyncio.sleep(_NOTICE)
        leaving = [one for one in device_ids if one not in wanted.disks and one not in wanted.nics]
        return await self._gone(vm.id, leaving, self._release_seconds, ask=True)

    async def _gone(self, vm_id: str, device_ids: Sequence[str], seconds: float, *, ask: bool = False) -> list[str]:
        """Until the guest has none of these; `ask` it to let go of them. Those that it has still when the time is over,
        or when it has refused."""
        if not device_ids:
            return []
        loop = asyncio.get_running_loop()
        end, ask_at = loop.time() + seconds, loop.time()
        async with self._removals(vm_id) as removals:
            while True:
                removals.heard.clear()
                aliases = await self._connection.run_domain(vm_id, functools.partial(_aliases, device_ids=device_ids))
                if not aliases.keys() - removals.refused or loop.time() >= end:
                    return list(aliases.values())
                if ask and loop.time() >= ask_at:
                    ask_at = loop.time() + _ASK_AGAIN
                    await self._connection.run_domain(vm_id, functools.partial(ask_for, aliases=list(aliases)))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(removals.heard.wait(), min(_LOOK, max(end - loop.time(), 0)))

    @contextlib.asynccontextmanager
    async def _removals(self, vm_id: str) -> AsyncIterator[_Removals]:
        """Hear of devices that the guest has let go of, or will not."""
        connection = await self._connection.get()
        removals = _Removals(asyncio.get_running_loop())
        numbers: list[int] = await self._connection.run_domain(
            vm_id, lambda domain: [connection.domainEventRegisterAny(domain, event, removals.told, event)
                                   for event in _EVENTS])  # fmt: skip
        try:
            yield removals
        finally:
            await asyncio.get_running_loop().run_in_executor(self._connection.executor, _stop, connection, numbers)


class _Removals:
    """What libvirt tells of one domain's devices; in its event thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.heard = asyncio.Event()
        self.refused: set[str] = set()

    def told(self, _connection: Any, _domain: Any, alias: str, event: int) -> None:
        """A callback of libvirt."""
        if event == libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED:
            self.refused.add(alias)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self.heard.set)


def _stop(connection: libvirt.virConnect, numbers: Sequence[int]) -> None:
    for number in numbers:
        with contextlib.suppress(libvirt.libvirtError):  # it may be lost
            connection.domainEventDeregisterAny(number)


def _wanted(vm: VmDefinition, attachments: VmAttachments, device_ids: Collection[str]) -> _Wanted:
    disks = zip(vm.hardware.disks, volume_disks(vm, attachments, direct_io(attachments.disks)), strict=True)
    nics = zip(vm.hardware.nics, network_interfaces(vm, attachments), strict=True)
    return _Wanted({disk.volume_id: element for disk, element in disks if disk.volume_id in device_ids},
                   {nic.id: plugged_in_late(element) for nic, element in nics if nic.id in device_ids})  # fmt: skip


def _look(domain: libvirt.virDomain) -> LiveDomain | None:
    """None if it does not run: then what it is defined with is all there is."""
    try:
        return LiveDomain(domain.XMLDesc()) if domain.isActive() else None
    except libvirt.libvirtError:
        if domain.isActive():
            raise
        return None


def _put_in(domain: libvirt.virDomain, *, wanted: _Wanted, held: Collection[str]) -> bool:
    """Give the guest what it lacks, and let the rest be as wanted. Whether a link was taken away."""
    live = _look(domain)
    if live is None:
        return False
    disks = {one: disk for one, disk in wanted.disks.items() if volume_serial(one) not in live.disks}
    nics = {one: nic for one, nic in wanted.nics.items() if one not in live.nics}
    slots = len(nics) + sum(disk.bus == DiskBus.VIRTIO for disk in disks.values())
    if slots > live.free_slots():
        raise no_slot(domain.UUIDString(), slots, live.free_slots())
    for volume_id, disk in disks.items():
        there = _look(domain)
        if there is not None:
            _attach(domain, volume_id, there.fitted(disk).to_text())
    for port_id, nic in nics.items():
        _attach(domain, port_id, nic.to_text())
    return _adjust(domain, live, wanted, held)


def _adjust(domain: libvirt.virDomain, live: LiveDomain, wanted: _Wanted, held: Collection[str]) -> bool:
    """Limits and links of what was there before."""
    cut = False
    with _unless_ended(domain):
        for volume_id, disk in wanted.disks.items():
            serial = volume_serial(volume_id)
            limits = DiskLimits() if disk.iotune is None else disk.iotune.limits
            if serial in live.disks and live.limits(serial) != limits:
                domain.setBlockIoTune(live.target(serial), tuned(limits), _LIVE)
        for port_id in wanted.nics.keys() & live.nics.keys():
            link = wanted.link(port_id, held)
            if live.link(port_id) is not link:
                domain.updateDeviceFlags(live.linked(port_id, link), _LIVE)
                cut = cut or link is NicLink.DOWN
    return cut


def _attach(domain: libvirt.virDomain, device_id: str, xml: str) -> None:
    """A call that was interrupted may have done it already."""
    try:
        domain.attachDeviceFlags(xml, _LIVE)
    except libvirt.libvirtError:
        live = _look(domain)
        if live is not None and live.alias(device_id) is None:
            raise


def _aliases(domain: libvirt.virDomain, *, device_ids: Sequence[str]) -> dict[str, str]:
    """Ids of the devices that are there, by what QEMU calls them."""
    live = _look(domain)
    return {} if live is None else {alias: one for one in device_ids if (alias := live.alias(one)) is not None}


def ask_for(domain: libvirt.virDomain, *, aliases: Sequence[str]) -> None:
    """Does not wait. One that was asked for and has not gone yet may be refused to be asked for again; one that has
    gone just now is not found any more, which libvirt tells in several ways."""
    for alias in aliases:
        with _unless_ended(domain):
            try:
                domain.detachDeviceAlias(alias, _LIVE)
            except libvirt.libvirtError as error:
                if _ASKED_ALREADY not in str(error) and _has(domain, alias):
                    raise


def _has(domain: libvirt.virDomain, alias: str) -> bool:
    live = _look(domain)
    return live is not None and alias in live.aliases


@contextlib.contextmanager
def _unless_ended(domain: libvirt.virDomain) -> Iterator[None]:
    """A guest that ends meanwhile takes its devices with it."""
    try:
        yield
    except libvirt.libvirtError:
        if domain.isActive():
            raise
