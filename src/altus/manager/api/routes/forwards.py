"""Port forwards."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import CHANGE_RESPONSES, AnswerDep, Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.manager.api.views import forward_view
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.base import ListView
from altus.wire.forwards import ForwardCreate, ForwardView

router = APIRouter(prefix="/forwards", tags=["forwards"])
_ONE, _LIST = TypeAdapter(ForwardView), Listing(ForwardView)
Reader = Annotated[Actor, Depends(Requires(Permission.FORWARD_READ))]
Writer = Annotated[Actor, Depends(Requires(Permission.FORWARD_WRITE))]


@router.get("", response_model=ListView[ForwardView])
async def list_forwards(actor: Reader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Port forwards, a page at a time."""
    page = await services.forwards.page(actor, selection.query)
    return selection.send(_LIST, [forward_view(actor, one) for one in page.items], page.next)


@router.post("", status_code=202, responses=CHANGE_RESPONSES)
async def create_forward(actor: Writer, services: ServicesDep, answer: AnswerDep, body: ForwardCreate) -> Response:
    """Lead a port to a VM; that takes the right to edit the VM, too."""
    return await answer(actor, services.forwards.create(actor, body))


@router.get("/{ref}", response_model=ForwardView)
async def get_forward(actor: Reader, services: ServicesDep, ref: Ref) -> Response:
    """One port forward."""
    return send(_ONE, forward_view(actor, await services.forwards.get(actor, ref)))


@router.delete("/{ref}", status_code=202, responses=CHANGE_RESPONSES)
async def delete_forward(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Delete a port forward; connections over it end."""
    return await answer(actor, services.forwards.delete(actor, ref))
