"""A port on this machine for any VNC viewer, joined to a VM's screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from altus.common.errors import AltusError

if TYPE_CHECKING:
    from altus.sdk.client import AltusClient
    from altus.sdk.consoles import Console

_CHUNK = 64 * 1024
_LOOPBACK = "127.0.0.1"


class Bridge:
    """Every viewer that connects gets the screen through a ticket of its own."""

    def __init__(self, altus: AltusClient, vm: str) -> None:
        self._altus = altus
        self._vm = vm
        self._say: Callable[[str], None] = lambda _text: None

    async def serve(self, port: int, say: Callable[[str], None]) -> None:
        """For ever. That a screen can be opened at all is tried first; `say` gets the address."""
        from altus.wire.consoles import ConsoleKind

        self._say = say
        await self._altus.consoles.ticket(self._vm, ConsoleKind.VNC)
        server = await asyncio.start_server(self._viewer, _LOOPBACK, port)
        async with server:
            bound = server.sockets[0].getsockname()[1]
            say(f"Screen of {self._vm}: point a VNC viewer at {_LOOPBACK}:{bound}; ctrl-C ends.")
            await server.serve_forever()

    async def _viewer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from altus.wire.consoles import ConsoleKind

        try:
            async with self._altus.consoles.open(self._vm, ConsoleKind.VNC) as console:
                await _join(console, reader, writer)
        except (AltusError, ConnectionError) as error:
            self._say(f"Viewer: {error}")
        finally:
            writer.close()


async def _join(console: Console, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes both ways until either side ends."""
    tasks = [asyncio.create_task(_to_guest(console, reader)), asyncio.create_task(_to_viewer(console, writer))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _to_guest(console: Console, reader: asyncio.StreamReader) -> None:
    while data := await reader.read(_CHUNK):
        await console.send(data)


async def _to_viewer(console: Console, writer: asyncio.StreamWriter) -> None:
    async for data in console:
        writer.write(data)
        await writer.drain()
