"""How hosts come into the pool."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import PUBLIC, Requires, ServicesDep, send
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.agent import EnrolledAs, EnrolRequest
from altus.wire.hosts import HostEnrol, HostToken

router = APIRouter(tags=["enrolment"])
_ENROLLED, _TOKEN = TypeAdapter(EnrolledAs), TypeAdapter(HostToken)
_EXAMPLE = Body(examples=[{"secret": "…", "csr": "-----BEGIN CERTIFICATE REQUEST-----…", "hostname": "host1.example",
                           "address": "192.0.2.7:8441"}])  # fmt: skip
HostWriter = Annotated[Actor, Depends(Requires(Permission.HOST_WRITE))]


@router.post("/hosts/enrol", status_code=201, response_model=HostToken)
async def create_enrolment(actor: HostWriter, services: ServicesDep, body: HostEnrol) -> Response:
    """A one-time token for a host; `altus-agent enrol` takes it there."""
    token = await services.enrolment.issue(actor, body.name, body.label)
    return send(_TOKEN, HostToken(name=body.name, token=token.encode()), 201)


@router.post("/enrolments", status_code=201, response_model=EnrolledAs, dependencies=PUBLIC)
async def enrol_host(request: Request, services: ServicesDep, body: Annotated[EnrolRequest, _EXAMPLE]) -> Response:
    """A host redeems its token for a certificate; the token is the proof."""
    source = request.client.host if request.client else ""
    return send(_ENROLLED, await services.enrolment.redeem(body, source), 201)
