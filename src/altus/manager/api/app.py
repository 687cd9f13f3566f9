"""The FastAPI application: routes, errors, request ids, and the OpenAPI document."""

from __future__ import annotations

import functools
import re
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import altus
from altus.common.ids import new_id
from altus.manager.api import console, errors
from altus.manager.api.deps import Requires
from altus.manager.api.routes import ROUTERS
from altus.manager.services.directory import Services
from altus.model.permission import Permission
from altus.wire.base import Problem

PREFIX = "/api/v1"
_MAX_BODY = 2 * 1024 * 1024
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_PROBLEM = {"model": Problem, "description": "An error (RFC 9457).", "content": {"application/problem+json": {}}}


def create_api(services: Services) -> FastAPI:
    """The application over these services."""
    app = FastAPI(
        title="Altus",
        version=altus.__version__,
        summary="Server virtualization: one pool of virtual machines, storage and networks.",
        openapi_url="/api/openapi.json",
        docs_url="/api/docs",
        redoc_url=None,
        separate_input_output_schemas=True,
    )
    app.state.services = services
    app.state.operations = _operations()
    errors.install(app)
    app.router.routes.extend(routes())
    console.install(app)
    app.add_middleware(RequestFrame)
    return app


@functools.cache
def routes() -> list[BaseRoute]:
    """Of all applications of a process, ready for use: FastAPI would prepare them at each one's first request, which
    had to wait for it."""
    api = APIRouter(generate_unique_id_function=_operation_id, responses={"4XX": _PROBLEM, "5XX": _PROBLEM})
    for router in ROUTERS:
        api.include_router(router, prefix=PREFIX)
    for route in api.routes:
        route.matches({"type": "http", "method": "GET", "path": PREFIX, "headers": []})
    return api.routes


def _operation_id(route: APIRoute) -> str:
    """The function's name: what generated clients call the operation."""
    return route.name


def _operations() -> dict[str, Permission]:
    """The permission that each operation declares, where it declares one."""
    routes = (route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute))
    return {route.name: dependency.call.permission for route in routes
            for dependency in route.dependant.dependencies if isinstance(dependency.call, Requires)}  # fmt: skip


class RequestFrame:
    """Around every request: an id that goes from the client to the host's log, and a limit for the body.

    Uploads of images are streams and have no limit here; storage has its own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        asked = headers.get("x-request-id", "")
        request_id = asked if _REQUEST_ID.fullmatch(asked) else new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)

        async def framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", []).extend(_headers(request_id))
            await send(message)

        limited = receive if scope["path"].endswith("/upload") else _limited(receive)
        try:
            await self.app(scope, limited, framed)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")


def _headers(request_id: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-request-id", request_id.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"strict-transport-security", b"max-age=31536000"),
    ]


def _limited(receive: Receive) -> Receive:
    """Refuse bodies beyond the limit: nothing that we take is that long."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > _MAX_BODY:
            raise errors.body_too_large()
        return message

    return limited


def openapi(services: Any = None) -> dict[str, Any]:
    """The OpenAPI document; needs no running manager."""
    return create_api(services).openapi()
