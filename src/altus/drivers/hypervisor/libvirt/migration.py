"""Live migration by libvirt, led by the agent of the host that the VM leaves, with a connection to both libvirtds."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from xml.etree import ElementTree as ET

import libvirt

from altus.common.errors import Failed, NotFound, Unavailable
from altus.common.units import format_size
from altus.drivers.hypervisor.base import ByteStream, MigrationChannel, Move
from altus.drivers.hypervisor.libvirt.connection import Connection
from altus.drivers.hypervisor.libvirt.errors import is_connection_loss, not_running, translate, unavailable
from altus.drivers.hypervisor.libvirt.migration_doors import (
    Doors,
    daemon_socket,
    make_folder,
    memory_socket,
    qemu_user,
)
from altus.drivers.hypervisor.libvirt.vnc import SocketStream
from altus.drivers.hypervisor.migration import Here, There, leave, settle, stopped
from altus.model.vm import MigrationFacts

T = TypeVar("T")
_LOOK_SECONDS = 0.5
_KEEPALIVE_SECONDS, _KEEPALIVE_COUNT = 3, 3
_UNFINISHED = frozenset({libvirt.VIR_DOMAIN_PAUSED_MIGRATION, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY,
                         libvirt.VIR_DOMAIN_PAUSED_STARTING_UP})  # fmt: skip
_OFF = frozenset({libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_CRASHED, libvirt.VIR_DOMAIN_NOSTATE})
_UNCACHED = frozenset({"none", "directsync"})


class LibvirtMigrations:
    """See `Migrations`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def leave(self, vm_id: str, move: Move) -> MigrationFacts:
        """See `Migrations`."""
        async with self._sides(vm_id, move) as sides:
            return await leave(vm_id, sides, move)

    async def settle(self, vm_id: str, move: Move) -> None:
        """See `Migrations`."""
        async with self._sides(vm_id, move) as sides:
            await settle(vm_id, sides, move)

    async def stream(self, vm_id: str, channel: MigrationChannel) -> ByteStream:
        """See `Migrations`: to libvirtd, or to the QEMU that waits for the VM's memory."""
        if channel is MigrationChannel.CONTROL:
            await asyncio.to_thread(make_folder, vm_id, await self._connection.run(qemu_user))
            return await SocketStream.connect(daemon_socket())
        return await SocketStream.connect(memory_socket(vm_id))

    @asynccontextmanager
    async def _sides(self, vm_id: str, move: Move) -> AsyncGenerator[LibvirtSides]:
        async with Doors(vm_id, move.reach) as doors:
            sides = LibvirtSides(vm_id, self._connection, doors, move)
            try:
                yield sides
            finally:
                await sides.close()


class LibvirtSides:
    """See `Sides`. The other host's libvirtd is connected to when it is asked for the first time."""

    def __init__(self, vm_id: str, near: Connection, doors: Doors, move: Move) -> None:
        self._vm_id = vm_id
        self._near = near
        self._doors = doors
        self._move = move
        self._far: libvirt.virConnect | None = None
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        """Let go of the other host."""
        far, self._far = self._far, None
        if far is not None:
            await asyncio.to_thread(_close, far)

    async def here(self) -> Here:
        """See `Sides`. An earlier migration that lasts without us is broken off first: `Unavailable` (`vm.busy`)."""

        def look(domain: libvirt.virDomain) -> Here:
            state, reason = domain.state()
            if state in _OFF:
                return Here.NONE
            if domain.jobStats().get("operation") == libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT:
                with contextlib.suppress(libvirt.libvirtError):  # it has ended by itself
                    domain.abortJob()
                raise Unavailable("An earlier migration of the VM is about to end.", code="vm.busy", vm_id=self._vm_id)
            leaving = state == libvirt.VIR_DOMAIN_PAUSED and reason in _UNFINISHED
            return Here.LEAVING if leaving else Here.ACTIVE

        return await self._near.run_domain(self._vm_id, look)

    async def there(self) -> There:
        """See `Sides`."""

        def look(domain: libvirt.virDomain) -> There:
            state, reason = domain.state()
            if state in _OFF:
                return There.NONE
            if state != libvirt.VIR_DOMAIN_PAUSED:
                return There.RUNNING
            return There.INCOMING if reason in _UNFINISHED else There.WAITING

        try:
            return await self._far_domain(look)
        except NotFound:
            return There.NONE

    async def drop_there(self) -> None:
        """See `Sides`."""
        await self._far_domain(_end)

    async def go_on_there(self) -> None:
        """See `Sides`."""
        far = await self._far_connection()
        await self._give_disks_to(await asyncio.to_thread(qemu_user, far))
        await self._far_domain(_go_on)

    async def end_here(self) -> None:
        """See `Sides`."""
        await self._near.run_domain(self._vm_id, _end)

    async def go_on_here(self) -> None:
        """See `Sides`."""
        await self._give_disks_to(await self._near.run(qemu_user))
        await self._near.run_domain(self._vm_id, _go_on)

    async def transfer(self) -> tuple[float, int]:
        """See `Sides`; `virDomainMigrate3`, which leaves the VM paused there."""
        far = await self._far_connection()
        definition = await self._far_domain(lambda domain: domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        domain = await self._near.run_domain(self._vm_id, _running)
        work = asyncio.ensure_future(asyncio.to_thread(_migrate, domain, far, definition, self._vm_id))
        stop = asyncio.ensure_future(self._move.stop.wait())
        try:
            while not work.done():
                waited = [work] if stop.done() else [work, stop]
                await asyncio.wait(waited, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.to_thread(_abort if stop.done() else self._tell, domain)
            return self._sum_up(work.result())
        except libvirt.libvirtError as error:
            if await self.here() is Here.NONE:
                raise Failed("The guest ended while it moved.", code="vm.ended_moving", hint="Start it again.",
                             vm_id=self._vm_id) from error  # fmt: skip
            raise self._translated(error, aborted=stop.done()) from error
        finally:
            stop.cancel()

    async def _give_disks_to(self, owner: tuple[int, int]) -> None:
        """Let QEMU open the disks for writing, which it does when the guest goes on. A libvirtd that ends a copy takes
        them away from QEMU's user, on storage that it does not know to be shared or after it was killed."""

        def give(domain: libvirt.virDomain) -> None:
            definition = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
            for source in _written(definition):
                os.chown(source, *owner)

        await self._near.run_domain(self._vm_id, give)

    def _tell(self, domain: libvirt.virDomain) -> None:
        """In a worker thread: how far it is."""
        with contextlib.suppress(libvirt.libvirtError):  # it has just ended
            share, text = progress(domain.jobStats())
            self._loop.call_soon_threadsafe(self._move.report, share, text)

    def _sum_up(self, stats: dict[str, Any]) -> tuple[float, int]:
        return stats.get("downtime", 0) / 1000, stats.get("data_processed", 0)

    def _translated(self, error: libvirt.libvirtError, *, aborted: bool) -> Exception:
        if aborted:
            return stopped(self._vm_id)
        if self._doors.lost is not None:
            return self._doors.lost
        return translate(error, self._vm_id)

    async def _far_domain(self, call: Callable[[libvirt.virDomain], T]) -> T:
        far = await self._far_connection()
        try:
            return await asyncio.to_thread(lambda: call(far.lookupByUUIDString(self._vm_id)))
        except libvirt.libvirtError as error:
            raise self._translated(error, aborted=False) from error

    async def _far_connection(self) -> libvirt.virConnect:
        if self._far is None:
            try:
                self._far = await asyncio.to_thread(_open, f"qemu+unix:///system?socket={self._doors.control}")
            except libvirt.libvirtError as error:
                raise self._doors.lost or unavailable(f"on the other host: {error}".rstrip(".")) from error
        return self._far


def relocated(live: str, there: str) -> str:
    """The running domain's XML with the files that its definition `there` names, disk by disk."""
    here, other = ET.fromstring(live), ET.fromstring(there)  # noqa: S314 - both are libvirt's own
    files = {_device(disk): disk.find("source") for disk in other.iterfind("devices/disk")}
    for disk in here.iterfind("devices/disk"):
        source, found = disk.find("source"), files.get(_device(disk))
        if source is not None and found is not None:
            source.set("file", found.get("file", ""))
    for name in ("os/kernel", "os/initrd"):
        element = here.find(name)
        if element is not None:
            element.text = other.findtext(name)
    return ET.tostring(here, encoding="unicode")


def progress(stats: dict[str, Any]) -> tuple[float, str]:
    """Share and sentence from `virDomainGetJobStats`."""
    total, left = stats.get("memory_total", 0), stats.get("memory_remaining", 0)
    rate = stats.get("memory_dirty_rate", 0) * stats.get("memory_page_size", 0)
    speed = stats.get("memory_bps", 0)
    text = f"{format_size(stats.get('data_processed', 0))} sent, {format_size(left)} left"
    if rate:
        text += f"; the guest changes {format_size(rate)} a second"
    if speed > rate:
        text += f"; about {left / (speed - rate):.0f} s to go"
    return (1 - left / total if total else 0.0), text


def _device(disk: ET.Element) -> str:
    target = disk.find("target")
    return "" if target is None else target.get("dev", "")


def _migrate(domain: libvirt.virDomain, far: libvirt.virConnect, definition: str, vm_id: str) -> dict[str, Any]:
    """In a worker thread of its own, since it lasts: what libvirt counted."""
    live = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE | libvirt.VIR_DOMAIN_XML_SECURE)
    flags = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PAUSED
    if _is_coherent(live):
        flags |= libvirt.VIR_MIGRATE_UNSAFE  # libvirt goes by the file system's kind; we know that it is shared
    parameters = {
        libvirt.VIR_MIGRATE_PARAM_URI: f"unix://{memory_socket(vm_id)}",
        libvirt.VIR_MIGRATE_PARAM_DEST_XML: relocated(live, definition),
    }
    moved = domain.migrate3(far, parameters, flags)
    try:
        return dict(moved.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED))
    except libvirt.libvirtError as error:
        if is_connection_loss(error):  # the VM has moved all the same, which whoever looks next finds out
            return {}
        raise


def _is_coherent(live: str) -> bool:
    """Whether all disks that are written bypass the host's cache, so that the other host reads what this one wrote."""
    drivers = (disk.find("driver") for disk in _written(live).values())
    return all(driver is not None and driver.get("cache") in _UNCACHED for driver in drivers)


def _written(definition: str) -> dict[str, ET.Element]:
    """A domain's disks that are not read-only, by their files."""
    found = {}
    for disk in ET.fromstring(definition).iterfind("devices/disk"):  # noqa: S314 - libvirt's own
        source = disk.find("source")
        if source is not None and disk.find("readonly") is None:
            found[source.get("file", "")] = disk
    return found


def _running(domain: libvirt.virDomain) -> libvirt.virDomain:
    if domain.state()[0] != libvirt.VIR_DOMAIN_RUNNING:
        raise not_running(domain.UUIDString())
    return domain


def _abort(domain: libvirt.virDomain) -> None:
    with contextlib.suppress(libvirt.libvirtError):  # not begun yet, or ended
        domain.abortJob()


def _end(domain: libvirt.virDomain) -> None:
    try:
        domain.destroy()
    except libvirt.libvirtError:
        if domain.isActive():
            raise


def _go_on(domain: libvirt.virDomain) -> None:
    try:
        domain.resume()
    except libvirt.libvirtError:
        if domain.state()[0] != libvirt.VIR_DOMAIN_RUNNING:
            raise


def _open(uri: str) -> libvirt.virConnect:
    connection = libvirt.open(uri)
    connection.setKeepAlive(_KEEPALIVE_SECONDS, _KEEPALIVE_COUNT)
    return connection


def _close(connection: libvirt.virConnect) -> None:
    with contextlib.suppress(libvirt.libvirtError):
        connection.close()
