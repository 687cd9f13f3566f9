"""A VNC connection: a socket pair, of which libvirt hands QEMU the other end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path

import libvirt

from altus.drivers.hypervisor.libvirt.errors import not_running, unavailable

_CHUNK = 1 << 20


def connect(domain: libvirt.virDomain) -> int:
    """`virDomainOpenGraphicsFD`: our end's descriptor. Blocking: run it in a worker thread."""
    if not domain.isActive():
        raise not_running(domain.UUIDString())
    return int(domain.openGraphicsFD(0, libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH))


class SocketStream:
    """A `ByteStream` over asyncio's streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def adopt(cls, descriptor: int) -> SocketStream:
        """Take over a connected socket."""
        try:
            connected = socket.socket(fileno=descriptor)
        except OSError:
            os.close(descriptor)
            raise
        connected.setblocking(False)
        try:
            return cls(*await asyncio.open_connection(sock=connected))
        except BaseException:
            connected.close()
            raise

    @classmethod
    async def connect(cls, path: Path) -> SocketStream:
        """Connect to a Unix socket; `Unavailable` (`hypervisor.unavailable`) if nobody listens there."""
        try:
            return cls(*await asyncio.open_unix_connection(path, limit=_CHUNK))
        except OSError as error:
            raise unavailable(f"nobody listens at {path}") from error

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""
        with contextlib.suppress(ConnectionError):
            return await self._reader.read(_CHUNK)
        return b""

    async def write(self, data: bytes) -> None:
        """Send all of it; what a closed end cannot take is dropped, and `read` tells of the end."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def close(self) -> None:
        """End it."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
