"""The way to this host's libvirtd is shut before anybody can learn that the other host is lost; others have doors of
their own, and the last of the memory is kept if so told."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from altus.drivers.hypervisor.base import ByteStream, MigrationChannel
from altus.drivers.hypervisor.libvirt import migration_doors
from altus.drivers.hypervisor.libvirt.migration_doors import Doors, disks_socket, memory_socket


class Far:
    """The other host: says nothing until it is lost."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self.heard = asyncio.Queue[bytes]()

    async def read(self) -> bytes:
        await self.lost.wait()
        return b""

    async def write(self, data: bytes) -> None:
        """Hears all."""
        self.heard.put_nowait(data)

    async def close(self) -> None:
        """Has ended."""


@pytest.fixture
async def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Queue[bytes]]:
    """What this host's libvirtd hears."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            heard.put_nowait(data)
        writer.close()

    server = await asyncio.start_unix_server(listen, tmp_path / "daemon")
    monkeypatch.setattr(migration_doors, "FOLDER", tmp_path / "doors")
    monkeypatch.setattr(migration_doors, "daemon_socket", lambda: tmp_path / "daemon")
    monkeypatch.setattr(os, "chown", lambda *_arguments: None)
    yield heard
    server.close()


async def _connected(door: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    await asyncio.to_thread(client.connect, str(door))
    return client


def _near_when_lost(control: socket.socket, near: socket.socket) -> bytes:
    """What there is to read from the one as soon as the other has ended; raises if that is not its end."""
    assert control.recv(1) == b""
    return near.recv(1, socket.MSG_DONTWAIT)


async def test_near_door_is_shut_before_the_loss_is_known(daemon: asyncio.Queue[bytes]) -> None:
    far = Far()

    async def reach(_channel: MigrationChannel) -> ByteStream:
        return far

    async with Doors("vm", reach) as doors:
        with await _connected(doors.control) as control, await _connected(doors.near) as near:
            await asyncio.to_thread(near.sendall, b"begin")
            assert await daemon.get() == b"begin"
            looks = asyncio.ensure_future(asyncio.to_thread(_near_when_lost, control, near))
            await asyncio.to_thread(control.sendall, b"finish")
            far.lost.set()
            assert await looks == b""


async def test_disks_have_a_door_of_their_own_in_a_folder_for_qemus_user(
    daemon: asyncio.Queue[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    owners, asked = {}, asyncio.Queue[MigrationChannel]()
    monkeypatch.setattr(os, "chown", lambda path, *owner: owners.update({Path(path): owner}))

    async def reach(channel: MigrationChannel) -> ByteStream:
        asked.put_nowait(channel)
        return Far()

    async with Doors("vm", reach, (64055, 108)) as doors:
        door = disks_socket("vm")
        with await _connected(door):
            assert await asked.get() is MigrationChannel.DISKS
        assert owners[door] == owners[door.parent] == (64055, 108)
        assert owners[doors.control.parent] == owners[memory_socket("vm").parent] == (0, 0)
    assert not door.parent.exists()
    async with Doors("vm", reach):
        assert not door.parent.exists()


async def test_the_last_of_the_memory_is_kept_if_so_told_and_of_nothing_else(daemon: asyncio.Queue[bytes]) -> None:
    hosts = {channel: Far() for channel in MigrationChannel}

    async def reach(channel: MigrationChannel) -> ByteStream:
        return hosts[channel]

    async with Doors("vm", reach, (64055, 108)) as doors:
        doors.memory.hold(slowly=False)
        with await _connected(memory_socket("vm")) as memory, await _connected(disks_socket("vm")) as disks:
            await asyncio.to_thread(memory.sendall, b"page")
            await asyncio.to_thread(disks.sendall, b"sector")
            assert await hosts[MigrationChannel.DISKS].heard.get() == b"sector"
            assert await hosts[MigrationChannel.MEMORY].heard.get() == b"pag"
            assert hosts[MigrationChannel.MEMORY].heard.empty()
            doors.memory.release()
            assert await hosts[MigrationChannel.MEMORY].heard.get() == b"e"
