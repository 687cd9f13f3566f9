"""Networks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import CHANGE_RESPONSES, AnswerDep, Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.manager.api.views import network_view
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.base import ListView
from altus.wire.network_trace import NetworkAnswer, NetworkQuestion
from altus.wire.resources import NetworkCreate, NetworkView

router = APIRouter(prefix="/networks", tags=["networks"])
_ANSWER = TypeAdapter(NetworkAnswer)
_ONE, _LIST = TypeAdapter(NetworkView), Listing(NetworkView)
Reader = Annotated[Actor, Depends(Requires(Permission.NETWORK_READ))]
Writer = Annotated[Actor, Depends(Requires(Permission.NETWORK_WRITE))]


@router.get("", response_model=ListView[NetworkView])
async def list_networks(actor: Reader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Networks, a page at a time."""
    page = await services.networks.page(actor, selection.query)
    views = [network_view(actor, network) for network in page.items]
    return selection.send(_LIST, views, page.next)


@router.post("", status_code=202, responses=CHANGE_RESPONSES)
async def create_network(actor: Writer, services: ServicesDep, answer: AnswerDep, body: NetworkCreate) -> Response:
    """Create a network with DHCP."""
    return await answer(actor, services.networks.create(actor, body))


@router.post("/explain", response_model=NetworkAnswer)
async def explain_network(actor: Reader, services: ServicesDep, body: NetworkQuestion) -> Response:
    """Whether a packet would get from a VM to another one or to an address, and what decides it; nothing is sent."""
    return send(_ANSWER, await services.network_explain.explain(actor, body))


@router.get("/{ref}", response_model=NetworkView)
async def get_network(actor: Reader, services: ServicesDep, ref: Ref) -> Response:
    """One network."""
    return send(_ONE, network_view(actor, await services.networks.get(actor, ref)))


@router.delete("/{ref}", status_code=202, responses=CHANGE_RESPONSES)
async def delete_network(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Delete a network that nobody uses."""
    return await answer(actor, services.networks.delete(actor, ref))
