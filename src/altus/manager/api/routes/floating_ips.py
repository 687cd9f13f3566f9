"""Floating addresses."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import CHANGE_RESPONSES, AnswerDep, Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.manager.api.views import floating_ip_view
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.base import ListView
from altus.wire.floating_ips import FloatingIpAttach, FloatingIpCreate, FloatingIpView

router = APIRouter(prefix="/floating-ips", tags=["floating-ips"])
_ONE, _LIST = TypeAdapter(FloatingIpView), Listing(FloatingIpView)
Reader = Annotated[Actor, Depends(Requires(Permission.FLOATING_IP_READ))]
Writer = Annotated[Actor, Depends(Requires(Permission.FLOATING_IP_WRITE))]


@router.get("", response_model=ListView[FloatingIpView])
async def list_floating_ips(actor: Reader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Floating addresses, a page at a time."""
    page = await services.floating_ips.page(actor, selection.query)
    return selection.send(_LIST, [floating_ip_view(actor, one) for one in page.items], page.next)


@router.post("", status_code=202, responses=CHANGE_RESPONSES)
async def create_floating_ip(actor: Writer, services: ServicesDep, answer: AnswerDep,
                             body: FloatingIpCreate) -> Response:  # fmt: skip
    """Create a floating address: the one asked for, or a free one."""
    return await answer(actor, services.floating_ips.create(actor, body))


@router.get("/{ref}", response_model=FloatingIpView)
async def get_floating_ip(actor: Reader, services: ServicesDep, ref: Ref) -> Response:
    """One floating address."""
    return send(_ONE, floating_ip_view(actor, await services.floating_ips.get(actor, ref)))


@router.post("/{ref}/attach", status_code=202, responses=CHANGE_RESPONSES)
async def attach_floating_ip(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref,
                             body: FloatingIpAttach) -> Response:  # fmt: skip
    """Lead a floating address to a NIC; that takes the right to edit its VM, too."""
    return await answer(actor, services.floating_ips.attach(actor, ref, body))


@router.post("/{ref}/detach", status_code=202, responses=CHANGE_RESPONSES)
async def detach_floating_ip(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Lead a floating address nowhere; connections over it end."""
    return await answer(actor, services.floating_ips.detach(actor, ref))


@router.delete("/{ref}", status_code=202, responses=CHANGE_RESPONSES)
async def delete_floating_ip(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Give back a floating address that leads nowhere."""
    return await answer(actor, services.floating_ips.delete(actor, ref))
