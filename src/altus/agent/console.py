"""Routes to a VM's screens: serial console and VNC as WebSockets of bytes, and a picture of the display."""

from __future__ import annotations

from aiohttp import web

from altus.agent.http import CORE, id_in
from altus.agent.relay import bridge
from altus.common.errors import NotFound

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
        await bridge(socket, stream)
    finally:
        await stream.close()
    return socket


async def screenshot(request: web.Request) -> web.StreamResponse:
    """GET /v1/vms/{id}/screenshot: PNG."""
    picture = await request.app[CORE].drivers.hypervisor.screenshot(id_in(request, "id"))
    return web.Response(body=picture, content_type="image/png")


ROUTES = [web.get("/v1/vms/{id}/console/{kind}", console), web.get("/v1/vms/{id}/screenshot", screenshot)]
