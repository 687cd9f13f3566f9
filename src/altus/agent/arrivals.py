"""The route by which another host's agent brings a VM here."""

from __future__ import annotations

from aiohttp import web

from altus.agent.http import CORE, HOSTS, id_in, peer_of
from altus.agent.peers import HEARTBEAT, MAX_FRAME
from altus.agent.relay import bridge
from altus.common.errors import NotFound
from altus.drivers.hypervisor.base import MigrationChannel


async def stream(request: web.Request) -> web.StreamResponse:
    """GET /v1/migrations/{id}/{channel}: bytes both ways between the hypervisors of two hosts."""
    core, vm_id = request.app[CORE], id_in(request, "id")
    if request.match_info["channel"] not in set(MigrationChannel):
        raise NotFound("A migration has no such channel.", code="vm.channel_unknown")
    core.drivers.admissions.require(vm_id, peer_of(request).host_id)
    channel = MigrationChannel(request.match_info["channel"])
    end = await core.drivers.hypervisor.migrations.stream(vm_id, channel)
    try:
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=MAX_FRAME, compress=False)
        await socket.prepare(request)
        await bridge(socket, end)
    finally:
        await end.close()
    return socket


ROUTES = [web.get("/v1/migrations/{id}/{channel}", stream, name=HOSTS)]
