"""Routes to a VM's screens: serial console and VNC as WebSockets of bytes, and a picture of the display."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web

from altus.agent.http import CORE, id_in
from altus.common.errors import NotFound
from altus.drivers.hypervisor.base import ByteStream

_HEARTBEAT = 20.0
_MAX_FRAME = 1 << 20


async def console(request: web.Request) -> web.StreamResponse:
    """GET /v1/vms/{id}/console/{serial|vnc}: bytes both ways until either side ends."""
    vm_id, kind = id_in(request, "id"), request.match_info["kind"]
    hypervisor = request.app[CORE].drivers.hypervisor
    if kind not in ("serial", "vnc"):
        raise NotFound(f"VMs have no console {kind[:32]!r}.", code="console.unknown", hint="There are serial and vnc.")
    stream = await (hypervisor.open_serial(vm_id) if kind == "serial" else hypervisor.open_vnc(vm_id))
    try:
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT, max_msg_size=_MAX_FRAME)
        await socket.prepare(request)
        await _bridge(socket, stream)
    finally:
        await stream.close()
    return socket


async def screenshot(request: web.Request) -> web.StreamResponse:
    """GET /v1/vms/{id}/screenshot: PNG."""
    picture = await request.app[CORE].drivers.hypervisor.screenshot(id_in(request, "id"))
    return web.Response(body=picture, content_type="image/png")


async def _bridge(socket: web.WebSocketResponse, stream: ByteStream) -> None:
    ways = [asyncio.create_task(_to_guest(socket, stream)), asyncio.create_task(_from_guest(socket, stream))]
    try:
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        await socket.close()
        for way in done:
            way.result()
    except ConnectionError:
        pass  # the other side has gone, which is how consoles end
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _to_guest(socket: web.WebSocketResponse, stream: ByteStream) -> None:
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await stream.write(message.data)


async def _from_guest(socket: web.WebSocketResponse, stream: ByteStream) -> None:
    while data := await stream.read():
        await socket.send_bytes(data)


ROUTES = [web.get("/v1/vms/{id}/console/{kind}", console), web.get("/v1/vms/{id}/screenshot", screenshot)]
