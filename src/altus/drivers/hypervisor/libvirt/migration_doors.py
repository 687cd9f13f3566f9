"""The sockets at which libvirt and QEMU of this host speak to those of another one, while a VM moves.

They are Unix sockets that only root and, where a VM arrives, QEMU's user can reach; what is said there goes through the
agents' own connection. So libvirtd and QEMU need neither certificates nor open ports.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.etree import ElementTree as ET

import libvirt

from altus.common.errors import AltusError
from altus.drivers.hypervisor.base import ByteStream, MigrationChannel
from altus.drivers.hypervisor.libvirt.migration_latch import Latch
from altus.drivers.hypervisor.libvirt.migration_pace import Pace
from altus.drivers.hypervisor.libvirt.vnc import SocketStream

FOLDER = Path("/run/altus/migration")
"""The same on every host, since both QEMUs are told one path."""
_DAEMONS = (Path("/run/libvirt/virtqemud-sock"), Path("/run/libvirt/libvirt-sock"))
_USERFAULTFD = Path("/proc/sys/vm/unprivileged_userfaultfd")
_CHUNK = 1 << 20
_PACED_CHUNK = 1 << 16
"""What waits here to be sent QEMU takes for sent: where it goes slowly it must not be much."""
_PASSABLE = 0o711


def memory_socket(vm_id: str) -> Path:
    """Where QEMU listens for a VM that arrives, and where libvirt connects to for one that leaves."""
    return FOLDER / vm_id / "memory"


def disks_folder(vm_id: str) -> str:
    """The name of another folder, for QEMU's user on both hosts, since there it is QEMU that connects."""
    return f"{vm_id}-disks"


def disks_socket(vm_id: str) -> Path:
    """Where QEMU listens for the disks of a VM that arrives, and where QEMU connects to for one that leaves."""
    return FOLDER / disks_folder(vm_id) / "disks"


def daemon_socket() -> Path:
    """Where this host's libvirt listens: the daemon for QEMU alone, or the older one for all."""
    return next((path for path in _DAEMONS if path.exists()), _DAEMONS[-1])


def make_folder(name: str, owner: tuple[int, int] = (0, 0)) -> Path:
    """A VM's folder, empty but for what listens there, for root alone or for QEMU's user too. Blocking."""
    for path in (FOLDER.parent, FOLDER):
        path.mkdir(mode=_PASSABLE, exist_ok=True)
    folder = FOLDER / name
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, *owner)
    return folder


def remove_folder(vm_id: str) -> None:
    """Nothing moves any more. Blocking."""
    for name in (vm_id, disks_folder(vm_id)):
        shutil.rmtree(FOLDER / name, ignore_errors=True)


def allow_post_copy() -> None:
    """Let QEMU, as its unprivileged user, wait for memory that has not come yet (userfaultfd), as libvirt's packages
    for other systems do; a kernel without this setting always does, or never can. Blocking."""
    with contextlib.suppress(FileNotFoundError):
        if _USERFAULTFD.read_text().strip() == "0":
            _USERFAULTFD.write_text("1")


def qemu_user(connection: libvirt.virConnect) -> tuple[int, int]:
    """Ids of QEMU's user and group. Blocking."""
    capabilities = ET.fromstring(connection.getCapabilities())  # noqa: S314 - libvirt's own
    for model in capabilities.iterfind("host/secmodel"):
        if model.findtext("model") == "dac":
            user, group = (model.findtext("baselabel") or "+0:+0").split(":")
            return int(user), int(group)
    return 0, 0


class Doors:
    """Sockets of a VM that leaves, while the block lasts: whoever connects to one is led to the other host. `qemu` are
    the ids of QEMU's user and group, for whom there is one for the disks if these are copied. Disks and memory go no
    faster than `rate`, in bytes a second; memory passes the latch `memory`."""

    def __init__(self, vm_id: str, reach: Callable[[MigrationChannel], Awaitable[ByteStream]],
                 qemu: tuple[int, int] | None = None, rate: int | None = None) -> None:  # fmt: skip
        self._vm_id = vm_id
        self._reach = reach
        self._qemu = qemu
        self._pace = Pace(rate)
        self._chunk = _CHUNK if rate is None else _PACED_CHUNK
        self._servers: list[asyncio.Server] = []
        self._relays: set[asyncio.Task[None]] = set()
        self._insiders: set[asyncio.StreamWriter] = set()
        self.lost: AltusError | None = None
        self.memory = Latch()

    @property
    def control(self) -> Path:
        """Leads to the other host's libvirtd."""
        return FOLDER / self._vm_id / "control"

    @property
    def near(self) -> Path:
        """Leads to this host's libvirtd, as long as the way to the other one stands. Where the other one's last answer
        is lost, libvirt's library would have this host's libvirtd let the guest go on, although it may run there
        already. This door is shut before the library learns of the loss, so it cannot; and a libvirtd that is left
        alone then keeps the guest as it is."""
        return FOLDER / self._vm_id / "near"

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(remove_folder, self._vm_id)
        await asyncio.to_thread(make_folder, self._vm_id)
        await self._listen(self.control, partial(self._reach, MigrationChannel.CONTROL))
        await self._listen(memory_socket(self._vm_id), partial(self._reach, MigrationChannel.MEMORY))
        if self._qemu is not None:
            await asyncio.to_thread(make_folder, disks_folder(self._vm_id), self._qemu)
            await self._listen(disks_socket(self._vm_id), partial(self._reach, MigrationChannel.DISKS))
            os.chown(disks_socket(self._vm_id), *self._qemu)
        await self._listen(self.near, lambda: SocketStream.connect(daemon_socket()))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:  # fmt: skip
        for server in self._servers:
            server.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)
        await asyncio.to_thread(remove_folder, self._vm_id)

    async def _listen(self, door: Path, reach: Callable[[], Awaitable[ByteStream]]) -> None:
        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            relay = asyncio.ensure_future(self._relay(reader, writer, door, reach))
            self._relays.add(relay)
            relay.add_done_callback(self._relays.discard)

        self._servers.append(await asyncio.start_unix_server(connected, door, limit=self._chunk_at(door)))

    def _chunk_at(self, door: Path) -> int:
        may_drip = self._qemu is not None and door == memory_socket(self._vm_id)
        return _PACED_CHUNK if may_drip else self._chunk

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, door: Path,
                     reach: Callable[[], Awaitable[ByteStream]]) -> None:  # fmt: skip
        try:
            stream = await reach()
        except AltusError as error:
            self.lost = error
            writer.close()
            return
        if door == self.near:
            self._insiders.add(writer)
        pace = Pace(None) if door in (self.control, self.near) else self._pace
        latch = self.memory if door == memory_socket(self._vm_id) else Latch()
        ways = (
            asyncio.ensure_future(_out(latch.through(reader, self._chunk_at(door)), stream, pace)),
            asyncio.ensure_future(_in(stream, writer)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            if door == self.control:
                self._shut_near()
            self._insiders.discard(writer)
            writer.close()
            await stream.close()

    def _shut_near(self) -> None:
        for insider in self._insiders:
            insider.transport.abort()


async def _out(pieces: AsyncGenerator[bytes, None], stream: ByteStream, pace: Pace) -> None:
    with contextlib.suppress(ConnectionError):
        async with contextlib.aclosing(pieces):
            async for data in pieces:
                await pace.keep(len(data))
                await stream.write(data)


async def _in(stream: ByteStream, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await stream.read():
            writer.write(data)
            await writer.drain()
