"""Volumes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import CHANGE_RESPONSES, AnswerDep, Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.manager.api.views import volume_view
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.base import ListView
from altus.wire.resources import VolumeCreate, VolumeResize, VolumeView

router = APIRouter(prefix="/volumes", tags=["volumes"])
_ONE, _LIST = TypeAdapter(VolumeView), Listing(VolumeView)
Reader = Annotated[Actor, Depends(Requires(Permission.VOLUME_READ))]
Writer = Annotated[Actor, Depends(Requires(Permission.VOLUME_WRITE))]


@router.get("", response_model=ListView[VolumeView])
async def list_volumes(actor: Reader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Volumes, a page at a time."""
    page = await services.volumes.page(actor, selection.query)
    views = [volume_view(actor, volume) for volume in page.items]
    return selection.send(_LIST, views, page.next)


@router.post("", status_code=202, responses=CHANGE_RESPONSES)
async def create_volume(actor: Writer, services: ServicesDep, answer: AnswerDep, body: VolumeCreate) -> Response:
    """Create a volume, empty or from an image."""
    return await answer(actor, services.volumes.create(actor, body))


@router.get("/{ref}", response_model=VolumeView)
async def get_volume(actor: Reader, services: ServicesDep, ref: Ref) -> Response:
    """One volume."""
    return send(_ONE, volume_view(actor, await services.volumes.get(actor, ref)))


@router.post("/{ref}/resize", status_code=202, responses=CHANGE_RESPONSES)
async def resize_volume(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref,
                        body: VolumeResize) -> Response:  # fmt: skip
    """Grow a volume."""
    return await answer(actor, services.volumes.resize(actor, ref, body))


@router.delete("/{ref}", status_code=202, responses=CHANGE_RESPONSES)
async def delete_volume(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Delete a volume that no VM has."""
    return await answer(actor, services.volumes.delete(actor, ref))
