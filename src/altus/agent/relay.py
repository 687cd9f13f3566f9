"""Bytes both ways between a WebSocket and a stream of the hypervisor."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web

from altus.drivers.hypervisor.base import ByteStream


async def bridge(socket: web.WebSocketResponse, end: ByteStream) -> None:
    """Pass bytes on until either side ends."""
    ways = [asyncio.create_task(_inward(socket, end)), asyncio.create_task(_outward(socket, end))]
    try:
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        await socket.close()
        for way in done:
            way.result()
    except ConnectionError:
        pass  # the other side has gone, which is how such connections end
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _inward(socket: web.WebSocketResponse, end: ByteStream) -> None:
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await end.write(message.data)


async def _outward(socket: web.WebSocketResponse, end: ByteStream) -> None:
    while data := await end.read():
        await socket.send_bytes(data)
