"""The manager's API for the machine around the lab: a port of its loopback leads to the manager."""

import asyncio
import contextlib
import socket

_CHUNK = 1 << 16


def listen(port: int) -> socket.socket:
    """A socket on 127.0.0.1, at another port if this one is taken; it stays in the network namespace where it was
    made."""
    try:
        made = socket.create_server(("127.0.0.1", port))
    except OSError:
        made = socket.create_server(("127.0.0.1", 0))
    made.setblocking(False)
    return made


async def forward(listening: socket.socket, host: str, port: int) -> asyncio.Server:
    """Lead each connection to `host` and `port`, reached from the network namespace where this is called."""

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, to_there = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(reader, to_there))
            both.create_task(_pump(there, writer))

    return await asyncio.start_server(lead, sock=listening)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the reader's side has said all; its end is told to the other side."""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()
