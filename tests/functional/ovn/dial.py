"""Does a connection come about, and how is it refused if not?"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from enum import StrEnum

from tests.functional.ovn.lab import Namespace, until

_SILENCE = 1.0
"""Seconds without any answer that count as silence; answers take milliseconds."""


class Answer(StrEnum):
    """`refused`: somebody said no; `silent`: nobody said anything."""

    CONNECTED = "connected"
    REFUSED = "refused"
    SILENT = "silent"


@contextlib.asynccontextmanager
async def listening(where: Namespace, address: str, *ports: int) -> AsyncIterator[None]:
    """TCP servers that send back what they get."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        writer.close()

    async with contextlib.AsyncExitStack() as stack:
        for port in ports:
            listener = where.socket(socket.AF_INET, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            await stack.enter_async_context(await asyncio.start_server(echo, sock=listener))
        yield


async def dial(where: Namespace, address: str, port: int) -> Answer:
    """Try to connect once."""
    sock = where.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        async with asyncio.timeout(_SILENCE):
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except TimeoutError:
        return Answer.SILENT
    except OSError:
        return Answer.REFUSED
    else:
        return Answer.CONNECTED
    finally:
        sock.close()


async def becomes(where: Namespace, address: str, port: int, answer: Answer) -> None:
    """Dial until it is answered so."""

    async def look() -> bool:
        return await dial(where, address, port) is answer

    await until(look, f"{where.name} to {address}:{port} is {answer}")


class Conversation:
    """A connection that is kept open. `says` sends a word and waits for its echo."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def begin(cls, where: Namespace, address: str, port: int) -> Conversation:
        """Connect."""
        sock = where.socket(socket.AF_INET, socket.SOCK_STREAM)
        async with asyncio.timeout(5):
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
        return cls(*await asyncio.open_connection(sock=sock))

    async def says(self, word: bytes) -> bool:
        """Whether the word comes back."""
        self._writer.write(word)
        with contextlib.suppress(TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            async with asyncio.timeout(_SILENCE):
                return await self._reader.readexactly(len(word)) == word
        return False

    def end(self) -> None:
        """Hang up, whatever the other end does."""
        self._writer.transport.abort()
