"""TCP between namespaces: much data in both directions, since a ping gets through where TCP is dead."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from tests.functional.ovn.lab import Namespace

PORT = 8080
SIZE = 1_000_000


@contextlib.asynccontextmanager
async def server(where: Namespace | None, address: str) -> AsyncIterator[list[str]]:
    """Echoes `SIZE` bytes to everybody; what it yields collects the addresses of those who came. None: this host."""
    came: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer.get_extra_info("peername")[0])
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            writer.write(await reader.readexactly(SIZE))
            await writer.drain()
        writer.close()

    listener = _socket(where)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, PORT))
    running = await asyncio.start_server(serve, sock=listener)
    async with running:
        yield came


async def exchange(where: Namespace | None, address: str, seconds: float = 20.0) -> None:
    """Send `SIZE` bytes to the server at `address` and get them back whole; OSError or TimeoutError if it fails."""
    data = bytes(range(256)) * (SIZE // 256) + bytes(SIZE % 256)
    connection = _socket(where)
    async with asyncio.timeout(seconds):
        try:
            await asyncio.get_running_loop().sock_connect(connection, (address, PORT))
            reader, writer = await asyncio.open_connection(sock=connection)
            writer.write(data)
            answer = await reader.readexactly(SIZE)
        finally:
            connection.close()
    assert answer == data


def _socket(where: Namespace | None) -> socket.socket:
    if where is not None:
        return where.socket(socket.AF_INET, socket.SOCK_STREAM)
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    return made
