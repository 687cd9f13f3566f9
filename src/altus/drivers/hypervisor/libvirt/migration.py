"""Live migration by libvirt, led by the agent of the host that the VM leaves, with a connection to both libvirtds."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import libvirt

from altus.common.errors import Failed, NotFound, Unavailable
from altus.common.units import KIB, MIB
from altus.drivers.hypervisor.base import ByteStream, MigrationChannel, Move
from altus.drivers.hypervisor.libvirt.connection import Connection
from altus.drivers.hypervisor.libvirt.errors import not_running, translate, unavailable
from altus.drivers.hypervisor.libvirt.migration_doors import (
    Doors,
    allow_post_copy,
    daemon_socket,
    disks_folder,
    disks_socket,
    make_folder,
    memory_socket,
    qemu_user,
)
from altus.drivers.hypervisor.libvirt.migration_emulated import is_emulated
from altus.drivers.hypervisor.libvirt.migration_job import Order, break_off
from altus.drivers.hypervisor.libvirt.migration_note import has_left, note_left
from altus.drivers.hypervisor.libvirt.migration_transfer import Transfer
from altus.drivers.hypervisor.libvirt.migration_xml import is_renamed, written
from altus.drivers.hypervisor.libvirt.observe import TORN
from altus.drivers.hypervisor.libvirt.vnc import SocketStream
from altus.drivers.hypervisor.migration import Here, There, leave, settle, stopped, torn
from altus.model.migration import MigrationFacts, MigrationMode

T = TypeVar("T")
_KEEPALIVE_SECONDS, _KEEPALIVE_COUNT = 3, 3
_UNFINISHED = frozenset({libvirt.VIR_DOMAIN_PAUSED_MIGRATION, libvirt.VIR_DOMAIN_PAUSED_STARTING_UP})
_OFF = frozenset({libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_CRASHED, libvirt.VIR_DOMAIN_NOSTATE})


class LibvirtMigrations:
    """See `Migrations`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def leave(self, vm_id: str, move: Move) -> MigrationFacts:
        """See `Migrations`."""
        async with self._sides(vm_id, move) as sides:
            return await leave(vm_id, sides, move)

    async def settle(self, vm_id: str, move: Move) -> bool:
        """See `Migrations`."""
        async with self._sides(vm_id, move) as sides:
            return await settle(vm_id, sides, move)

    async def stream(self, vm_id: str, channel: MigrationChannel) -> ByteStream:
        """See `Migrations`: to libvirtd, or to the QEMU that waits for the VM's memory and disks."""
        if channel is MigrationChannel.CONTROL:
            owner = await self._connection.run(qemu_user)
            await asyncio.to_thread(make_folder, vm_id, owner)
            await asyncio.to_thread(make_folder, disks_folder(vm_id), owner)
            await asyncio.to_thread(allow_post_copy)
            return await SocketStream.connect(daemon_socket())
        where = disks_socket if channel is MigrationChannel.DISKS else memory_socket
        return await SocketStream.connect(where(vm_id))

    @asynccontextmanager
    async def _sides(self, vm_id: str, move: Move) -> AsyncGenerator[LibvirtSides]:
        owner = await self._connection.run(qemu_user) if move.copies else None
        limit = move.options.bandwidth if move.copies else None
        async with Doors(vm_id, move.reach, owner, None if limit is None else limit * MIB) as doors:
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
        self._whole = False
        self._missed = False

    async def close(self) -> None:
        """Let go of the other host."""
        far, self._far = self._far, None
        if far is not None:
            await asyncio.to_thread(_close, far)

    async def here(self) -> Here:
        """See `Sides`. An earlier migration that lasts without us is broken off first, or with post-copy breaks by
        itself: `Unavailable` (`vm.busy`)."""

        def look(domain: libvirt.virDomain) -> Here:
            state, reason = domain.state()
            if state in _OFF:
                return Here.NONE
            if reason == libvirt.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED and state == libvirt.VIR_DOMAIN_PAUSED:
                return Here.GIVEN
            if domain.jobStats().get("operation") == libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT:
                with contextlib.suppress(libvirt.libvirtError):  # it has ended by itself
                    break_off(domain)
                raise Unavailable("An earlier migration of the VM is about to end.", code="vm.busy", vm_id=self._vm_id)
            if (state, reason) in TORN:
                return Here.GIVEN
            leaving = state == libvirt.VIR_DOMAIN_PAUSED and reason in _UNFINISHED
            return Here.LEAVING if leaving else Here.ACTIVE

        return await self._near.run_domain(self._vm_id, look)

    async def there(self) -> There:
        """See `Sides`."""

        def look(domain: libvirt.virDomain) -> There:
            state, reason = domain.state()
            if state in _OFF:
                return There.NONE
            if (state, reason) in TORN:
                return There.PARTIAL
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
        if not self._move.copies:
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

    async def note_left(self, *, left: bool) -> None:
        """See `Sides`; in the definition, which libvirt keeps safe."""
        await self._near.run_domain(self._vm_id, lambda domain: note_left(domain, left=left))

    async def has_left(self) -> bool:
        """See `Sides`."""
        return await self._near.run_domain(self._vm_id, has_left)

    async def is_whole(self) -> bool:
        """See `Sides`; an emulated guest whose migration somebody else has begun may have run for too long."""
        return self._whole or not await self._near.run_domain(self._vm_id, lambda domain: is_emulated(domain.XMLDesc()))

    async def transfer(self) -> MigrationFacts:
        """See `Sides`; `virDomainMigrate3`, which leaves the VM paused there, but for post-copy. Where an emulated
        guest did not stand still in time, the next call has it stand still from the beginning."""
        far = await self._far_connection()
        definition = await self._far_domain(lambda domain: domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        domain = await self._near.run_domain(self._vm_id, _running)
        order = await self._near.run_domain(self._vm_id, lambda found: self._order(found, definition))
        sending = Transfer(domain, far, self._move, order, self._doors.memory)
        try:
            facts = await sending.run()
        except libvirt.libvirtError as error:
            if sending.missed and not sending.aborted and await self.here() is not Here.NONE:
                self._missed = True
                return MigrationFacts()
            raise await self._failure(error, aborted=sending.aborted) from error
        self._missed, self._whole = sending.missed, not sending.missed
        if order.post_copy:
            await self._give_disks_to(await asyncio.to_thread(qemu_user, far))
        return facts

    def _order(self, domain: libvirt.virDomain, definition: str) -> Order:
        """In a worker thread."""
        now = domain.XMLDesc()
        emulated = is_emulated(now)
        live = not self._missed and not (emulated and is_renamed(now))  # it could not be tried another time
        return Order(options=self._move.options, definition=definition, door=self._doors.near, live=live,
                     memory=domain.maxMemory() * KIB, emulated=emulated, copies=self._move.copies)  # fmt: skip

    async def _give_disks_to(self, owner: tuple[int, int]) -> None:
        """Let QEMU open the disks for writing, which it does when the guest goes on. A libvirtd that ends a copy takes
        them away from QEMU's user, on storage that it does not know to be shared or after it was killed."""

        def give(domain: libvirt.virDomain) -> None:
            definition = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
            for source in written(definition):
                os.chown(source, *owner)

        await self._near.run_domain(self._vm_id, give)

    async def _failure(self, error: libvirt.libvirtError, *, aborted: bool) -> Exception:
        """Why the transfer failed."""
        here = await self.here()
        if here is Here.GIVEN:
            return torn(self._vm_id)
        if here is Here.NONE:
            return Failed("The guest ended while it moved.", code="vm.ended_moving", hint="Start it again.",
                          vm_id=self._vm_id)  # fmt: skip
        return self._translated(error, aborted=aborted)

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
                self._far = await asyncio.to_thread(_open, self._doors.control, self._move.options.mode)
            except libvirt.libvirtError as error:
                raise self._doors.lost or unavailable(f"on the other host: {error}".rstrip(".")) from error
        return self._far


def _running(domain: libvirt.virDomain) -> libvirt.virDomain:
    if domain.state()[0] != libvirt.VIR_DOMAIN_RUNNING:
        raise not_running(domain.UUIDString())
    return domain


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


def _open(door: Path, mode: MigrationMode) -> libvirt.virConnect:
    connection = libvirt.open(f"qemu+unix:///system?socket={door}")
    if mode is not MigrationMode.POST_COPY:  # there the loss of the other host must come by way of the doors
        connection.setKeepAlive(_KEEPALIVE_SECONDS, _KEEPALIVE_COUNT)
    return connection


def _close(connection: libvirt.virConnect) -> None:
    with contextlib.suppress(libvirt.libvirtError):
        connection.close()
