"""Routers between networks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import CHANGE_RESPONSES, AnswerDep, Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.manager.api.views import router_view
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.base import ListView
from altus.wire.routers import RouterCreate, RouterMember, RouterView

router = APIRouter(prefix="/routers", tags=["routers"])
_ONE, _LIST = TypeAdapter(RouterView), Listing(RouterView)
Reader = Annotated[Actor, Depends(Requires(Permission.ROUTER_READ))]
Writer = Annotated[Actor, Depends(Requires(Permission.ROUTER_WRITE))]


@router.get("", response_model=ListView[RouterView])
async def list_routers(actor: Reader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Routers, a page at a time."""
    page = await services.routers.page(actor, selection.query)
    return selection.send(_LIST, [router_view(actor, one) for one in page.items], page.next)


@router.post("", status_code=202, responses=CHANGE_RESPONSES)
async def create_router(actor: Writer, services: ServicesDep, answer: AnswerDep, body: RouterCreate) -> Response:
    """Create a router without networks."""
    return await answer(actor, services.routers.create(actor, body))


@router.get("/{ref}", response_model=RouterView)
async def get_router(actor: Reader, services: ServicesDep, ref: Ref) -> Response:
    """One router."""
    return send(_ONE, router_view(actor, await services.routers.get(actor, ref)))


@router.post("/{ref}/attach", status_code=202, responses=CHANGE_RESPONSES)
async def attach_router(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref,
                        body: RouterMember) -> Response:  # fmt: skip
    """Put a network on a router; that takes the right to change the network, too."""
    return await answer(actor, services.routers.attach(actor, ref, body))


@router.post("/{ref}/detach", status_code=202, responses=CHANGE_RESPONSES)
async def detach_router(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref,
                        body: RouterMember) -> Response:  # fmt: skip
    """Take a network off a router; that takes the right to change the network, too."""
    return await answer(actor, services.routers.detach(actor, ref, body))


@router.delete("/{ref}", status_code=202, responses=CHANGE_RESPONSES)
async def delete_router(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Delete a router without networks."""
    return await answer(actor, services.routers.delete(actor, ref))
