"""Routes whose answers are lines: calls and events."""

from __future__ import annotations

from contextlib import aclosing

from aiohttp import web
from pydantic import BaseModel, ValidationError

from altus.agent.http import CORE, epoch_of
from altus.common.errors import InvalidInput
from altus.wire.agent import KEY_HEADER, CancelCall, CancelDone

_LINES = "application/x-ndjson"


async def _begin(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": _LINES, "Cache-Control": "no-store"})
    await response.prepare(request)
    return response


def _line(message: BaseModel) -> bytes:
    return message.model_dump_json(exclude_defaults=True).encode() + b"\n"


async def call(request: web.Request) -> web.StreamResponse:
    """POST /v1/call/{operation}: do it, or join whoever does; the work outlives the connection."""
    calls = request.app[CORE].calls
    execution = await calls.start(request.match_info["operation"], await request.read(),
                                  key=request.headers.get(KEY_HEADER, ""), epoch=epoch_of(request))  # fmt: skip
    response = await _begin(request)
    async with aclosing(execution.lines()) as lines:
        async for line in lines:
            await response.write(_line(line))
    await response.write_eof()
    return response


async def cancel(request: web.Request) -> web.StreamResponse:
    """POST /v1/cancel: break a call off and wait until it has ended."""
    try:
        asked = CancelCall.model_validate_json(await request.read())
    except ValidationError as error:
        raise InvalidInput("The request names no call.", code="call.invalid_request") from error
    done = CancelDone(found=await request.app[CORE].calls.cancel(asked.key))
    return web.json_response(done.model_dump())


async def events(request: web.Request) -> web.StreamResponse:
    """GET /v1/events: everything, then every change. A reader that is too slow is cut off."""
    transport = request.transport
    response = await _begin(request)
    async with aclosing(request.app[CORE].stream(lambda: transport.abort() if transport else None)) as messages:
        async for message in messages:
            await response.write(message.model_dump_json().encode() + b"\n")
    return response


ROUTES = [
    web.post("/v1/call/{operation}", call),
    web.post("/v1/cancel", cancel),
    web.get("/v1/events", events),
]
