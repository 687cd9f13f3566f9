"""What the manager tells of itself: health, metrics, and its CA."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import TypeAdapter

from altus.manager.api.deps import PUBLIC, Requires, ServicesDep, send
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.system import HealthView

router = APIRouter(tags=["system"])
_HEALTH = TypeAdapter(HealthView)
HostReader = Annotated[Actor, Depends(Requires(Permission.HOST_READ))]


@router.get("/health", response_model=HealthView, dependencies=PUBLIC)
async def get_health(services: ServicesDep) -> Response:
    """Whether this manager serves, its database answers, and it is the one that runs the tasks."""
    health = await services.system.health()
    return send(_HEALTH, health, 200 if health.healthy else 503)


@router.get("/ca", response_class=PlainTextResponse, dependencies=PUBLIC)
async def get_ca(services: ServicesDep) -> PlainTextResponse:
    """The CA's certificate (PEM), with which clients and hosts check this manager. Compare its fingerprint."""
    return PlainTextResponse(services.system.ca_pem, media_type="application/x-pem-file")


@router.get("/metrics", response_class=PlainTextResponse)
async def get_metrics(actor: HostReader, services: ServicesDep) -> Response:
    """Metrics in Prometheus' text format."""
    return Response(await services.system.metrics(), media_type=CONTENT_TYPE_LATEST)
