"""Every route declares who may use it, and the OpenAPI document says all that clients need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import Route

from altus.manager.api.app import create_api, openapi
from altus.manager.api.deps import PUBLIC, Requires
from tests.unit.manager.api.hostile import operations

OWN_PAGES = {"/api/openapi.json", "/api/docs", "/docs/oauth2-redirect", "/{path:path}"}


def routes_of(routes: Iterable[Any]) -> Iterator[Any]:
    """All routes, those of included routers too."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from routes_of(included.routes)


def undeclared(app: FastAPI) -> list[str]:
    """Paths of routes that say neither `Requires` nor `PUBLIC`."""
    public = PUBLIC[0].dependency
    found = []
    for route in routes_of(app.routes):
        if isinstance(route, APIRoute | APIWebSocketRoute):
            calls = [dependency.call for dependency in route.dependant.dependencies]
            if len([call for call in calls if call is public or isinstance(call, Requires)]) != 1:
                found.append(route.path)
        elif not isinstance(route, Route) or route.path not in OWN_PAGES:
            found.append(getattr(route, "path", repr(route)))
    return found


def _api() -> FastAPI:
    services: Any = None
    return create_api(services)


def test_every_route_declares_a_permission_or_that_it_is_public() -> None:
    app = _api()
    assert undeclared(app) == []
    assert sum(isinstance(route, APIRoute | APIWebSocketRoute) for route in routes_of(app.routes)) > 80


def test_route_without_declaration_is_caught() -> None:
    app = _api()

    @app.get("/api/v1/open-door")
    async def door() -> None: ...

    @app.websocket("/api/v1/open-window")
    async def window() -> None: ...

    assert undeclared(app) == ["/api/v1/open-door", "/api/v1/open-window"]


def test_openapi_is_of_version_3_1_with_an_operation_id_for_each_operation() -> None:
    document = openapi()
    assert document["openapi"].startswith("3.1")
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids)) > 80
    assert all(operation.get("description") for _, _, operation in operations(document))


def test_every_request_body_has_an_example_that_fits() -> None:
    document = openapi()
    without = []
    for method, path, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        schema = content["schema"]
        schema = next((choice for choice in schema.get("anyOf", []) if "$ref" in choice), schema)
        shape = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if not (content.get("examples") or schema.get("examples") or shape.get("examples")):
            without.append(f"{method} {path}")
    assert without == []


@pytest.mark.parametrize("public", ["get_health", "get_ca", "login", "enrol_host"])
def test_only_few_operations_need_no_token(public: str) -> None:
    free = {operation["operationId"] for _, _, operation in operations(openapi()) if "security" not in operation}
    assert public in free
    assert len(free) == 4
