"""Consoles: bytes both ways over a WebSocket that a one-time ticket opens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from altus.common.errors import Unauthenticated, Unavailable
from altus.sdk.resources import Noun
from altus.sdk.shapes import read, segment
from altus.wire.consoles import ConsoleKind, ConsoleOpen, ConsoleTicket

_REFUSED, _BROKEN = 4401, 4502


class Console:
    """An open console: iterate over what comes, `send` what goes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, data: bytes) -> None:
        """Bytes to the guest; `Unavailable` when the console has ended."""
        try:
            await self._socket.send_bytes(data)
        except (aiohttp.ClientError, ConnectionError) as error:
            raise _ended() from error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Bytes from the guest until the console ends; `Unavailable` if it breaks off, `Unauthenticated` if the ticket
        was not good."""
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                yield message.data
            elif message.type is aiohttp.WSMsgType.ERROR:
                raise _ended()
        if self._socket.close_code == _REFUSED:
            raise Unauthenticated("The console ticket is used or has ended.", code="console.ticket",
                                  hint="Open the console again.")  # fmt: skip
        if self._socket.close_code in (_BROKEN, 1006, 1011):
            raise _ended()


class Consoles(Noun):
    """`/vms/…/console` and `/consoles/…`."""

    async def ticket(self, vm: str, kind: ConsoleKind = ConsoleKind.SERIAL) -> ConsoleTicket:
        """A one-time ticket; tickets that are not used end by themselves."""
        path, body = f"/vms/{segment(vm)}/console", ConsoleOpen(kind=kind)
        return read(ConsoleTicket, (await self._transport.call("POST", path, body=body, repeat=True)).body)

    @asynccontextmanager
    async def open(self, vm: str, kind: ConsoleKind = ConsoleKind.SERIAL) -> AsyncIterator[Console]:
        """The console of a running VM."""
        ticket = await self.ticket(vm, kind)
        socket = await self._transport.websocket(ticket.path)
        try:
            yield Console(socket)
        finally:
            await socket.close()


def _ended() -> Unavailable:
    return Unavailable("The console was cut off.", code="console.broken", hint="Open it again.")
