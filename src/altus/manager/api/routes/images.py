"""Images: built, or uploaded in three moves (reserve the name, send the file, finish)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import CHANGE_RESPONSES, AnswerDep, Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.manager.api.views import image_view
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.agent import UploadState
from altus.wire.base import ListView
from altus.wire.resources import ImageBuild, ImageCreate, ImageView

router = APIRouter(prefix="/images", tags=["images"])
_ONE, _LIST, _UPLOAD = TypeAdapter(ImageView), Listing(ImageView), TypeAdapter(UploadState)
_FILE = {"requestBody": {"required": True, "content": {"application/octet-stream": {}}}}
MAX_OFFSET = 10**18 - 1
"""The largest that agents take."""
Reader = Annotated[Actor, Depends(Requires(Permission.IMAGE_READ))]
Writer = Annotated[Actor, Depends(Requires(Permission.IMAGE_WRITE))]


@router.get("", response_model=ListView[ImageView])
async def list_images(actor: Reader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Images, a page at a time."""
    page = await services.images.page(actor, selection.query)
    views = [image_view(actor, image) for image in page.items]
    return selection.send(_LIST, views, page.next)


@router.post("", status_code=201, response_model=ImageView)
async def create_image(actor: Writer, services: ServicesDep, body: ImageCreate) -> Response:
    """Reserve the name of an image whose file is to be uploaded."""
    return send(_ONE, image_view(actor, await services.images.begin_upload(actor, body)), 201)


@router.post("/build", status_code=202, responses=CHANGE_RESPONSES)
async def build_image(actor: Writer, services: ServicesDep, answer: AnswerDep, body: ImageBuild) -> Response:
    """Build one of Altus' own images."""
    return await answer(actor, services.images.build(actor, body))


@router.get("/{ref}", response_model=ImageView)
async def get_image(actor: Reader, services: ServicesDep, ref: Ref) -> Response:
    """One image."""
    return send(_ONE, image_view(actor, await services.images.get(actor, ref)))


@router.get("/{ref}/upload", response_model=UploadState)
async def get_upload(actor: Writer, services: ServicesDep, ref: Ref) -> Response:
    """How much of the file has arrived: where to go on from."""
    return send(_UPLOAD, UploadState(offset=await services.uploads.offset(actor, ref)))


@router.put("/{ref}/upload", response_model=UploadState, openapi_extra=_FILE)
async def upload_image(request: Request, actor: Writer, services: ServicesDep, ref: Ref,
                       offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0) -> Response:  # fmt: skip
    """Send the file, or the rest of it from `offset`."""
    return send(_UPLOAD, UploadState(offset=await services.uploads.send(actor, ref, request.stream(), offset)))


@router.post("/{ref}/finish", status_code=202, responses=CHANGE_RESPONSES)
async def finish_upload(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """The file is complete: find its format, check, convert and store it."""
    return await answer(actor, services.images.finish_upload(actor, ref))


@router.delete("/{ref}", status_code=202, responses=CHANGE_RESPONSES)
async def delete_image(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Delete an image that nobody needs."""
    return await answer(actor, services.images.delete(actor, ref))
