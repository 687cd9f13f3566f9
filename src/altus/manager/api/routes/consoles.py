"""Consoles and screenshots."""

from __future__ import annotations

import asyncio
from typing import Annotated

import aiohttp
import structlog
from fastapi import APIRouter, Depends, WebSocket
from fastapi.responses import Response
from pydantic import TypeAdapter
from starlette.websockets import WebSocketDisconnect

from altus.common.errors import AltusError
from altus.manager.api.deps import PUBLIC, Ref, Requires, ServicesDep, send
from altus.manager.services.directory import Services
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.consoles import ConsoleOpen, ConsoleTicket

router = APIRouter(tags=["consoles"])
_TICKET = TypeAdapter(ConsoleTicket)
_log = structlog.get_logger(__name__)
_REFUSED, _BROKEN = 4401, 4502
User = Annotated[Actor, Depends(Requires(Permission.VM_CONSOLE))]


@router.post("/vms/{ref}/console", status_code=201, response_model=ConsoleTicket)
async def open_console(actor: User, services: ServicesDep, ref: Ref, body: ConsoleOpen | None = None) -> Response:
    """A one-time ticket for a VM's serial console or screen."""
    wanted = body or ConsoleOpen()
    return send(_TICKET, await services.consoles.open(actor, ref, wanted.kind), 201)


@router.get("/vms/{ref}/screenshot", response_class=Response, responses={200: {"content": {"image/png": {}}}})
async def get_screenshot(actor: User, services: ServicesDep, ref: Ref) -> Response:
    """A VM's screen as PNG."""
    return Response(await services.consoles.screenshot(actor, ref), media_type="image/png")


@router.websocket("/consoles/{ticket}", dependencies=PUBLIC)
async def console(websocket: WebSocket, ticket: str) -> None:
    """The console that a ticket opens: bytes both ways. The ticket is the proof of who asks."""
    services: Services = websocket.app.state.services
    await websocket.accept()
    try:
        host = await services.consoles.redeem(ticket)
    except AltusError as error:
        await websocket.close(_REFUSED, error.message[:120])
        return
    try:
        await _join(websocket, host)
    finally:
        await host.close()


async def _join(client: WebSocket, host: aiohttp.ClientWebSocketResponse) -> None:
    """Carry bytes both ways until either side ends."""
    directions = [asyncio.create_task(_to_host(client, host)), asyncio.create_task(_to_client(client, host))]
    done, pending = await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
    for direction in pending:
        direction.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for direction in done:
        if (error := direction.exception()) is not None:
            _log.info("console ended", error=str(error))
    try:
        await client.close(_BROKEN if host.close_code not in (None, 1000, 1005) else 1000)
    except RuntimeError:
        _log.debug("the client had closed the console already")


async def _to_host(client: WebSocket, host: aiohttp.ClientWebSocketResponse) -> None:
    try:
        while True:
            message = await client.receive()
            if message["type"] == "websocket.disconnect":
                return
            data = message.get("bytes") or (message.get("text") or "").encode()
            await host.send_bytes(data)
    except WebSocketDisconnect:
        return


async def _to_client(client: WebSocket, host: aiohttp.ClientWebSocketResponse) -> None:
    async for message in host:
        if message.type is not aiohttp.WSMsgType.BINARY:
            return
        await client.send_bytes(message.data)
