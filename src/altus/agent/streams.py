"""Routes whose answers are lines: calls and events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from aiohttp import web
from pydantic import BaseModel, ValidationError

from altus.agent.http import CORE, epoch_of
from altus.common.errors import InvalidInput
from altus.wire.agent import KEY_HEADER, CancelCall, CancelDone

_LINES = "application/x-ndjson"


async def _answer(request: web.Request, messages: AsyncGenerator[BaseModel, None],
                  *, defaults: bool = False) -> web.StreamResponse:  # fmt: skip
    """Send every message as a line, with or without what is as by default; a reader may leave at any time."""
    response = web.StreamResponse(headers={"Content-Type": _LINES, "Cache-Control": "no-store"})
    with suppress(ConnectionError):
        await response.prepare(request)
        async with aclosing(messages):
            async for message in messages:
                await response.write(message.model_dump_json(exclude_defaults=not defaults).encode() + b"\n")
    return response


async def call(request: web.Request) -> web.StreamResponse:
    """POST /v1/call/{operation}: do it, or join whoever does; the work outlives the connection."""
    calls = request.app[CORE].calls
    execution = await calls.start(request.match_info["operation"], await request.read(),
                                  key=request.headers.get(KEY_HEADER, ""), epoch=epoch_of(request))  # fmt: skip
    return await _answer(request, execution.lines())


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
    messages = request.app[CORE].stream(lambda: transport.abort() if transport else None)
    return await _answer(request, messages, defaults=True)


ROUTES = [
    web.post("/v1/call/{operation}", call),
    web.post("/v1/cancel", cancel),
    web.get("/v1/events", events),
]
