"""Images: built, uploaded and imported, deleted."""

from __future__ import annotations

import dataclasses
from typing import Any

from altus.common.errors import Conflict, InvalidInput
from altus.common.ids import new_id
from altus.manager.services.audit import Act, AuditLog
from altus.manager.services.changes import Change
from altus.manager.services.lookup import project_for, storage, visible, visible_page
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import IMAGE
from altus.manager.tasks.image_tasks import (
    IMAGE_BUILD_TASK,
    IMAGE_DELETE_TASK,
    IMAGE_IMPORT_TASK,
    ImageMake,
    ImageRemove,
)
from altus.manager.tasks.volume_tasks import storage_host
from altus.model.actor import Actor
from altus.model.image import Image, ImageFormat, ImageState
from altus.model.label import Label, require_combinable
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page
from altus.model.resource import DEFAULT_PROJECT
from altus.wire import resources as wire


class ImageService:
    """The image library."""

    def __init__(self, db: Database, audit: AuditLog) -> None:
        self.db = db
        self.audit = audit

    async def get(self, actor: Actor, reference: str) -> Image:
        """By id or name."""
        return await self.db.read(lambda tx: visible(tx, actor, IMAGE, reference, Permission.IMAGE_READ))

    async def page(self, actor: Actor, query: ListQuery) -> Page[Image]:
        """A page of the images the actor may see."""
        return await self.db.read(lambda tx: visible_page(tx, actor, IMAGE, query, Permission.IMAGE_READ))

    async def begin_upload(self, actor: Actor, body: wire.ImageCreate) -> Image:
        """Reserve the name of an image whose file is to be uploaded."""
        act = Act("image.upload", object_name=body.name)

        def work(tx: Tx) -> Image:
            project = project_for(tx, actor, body.project, Permission.IMAGE_WRITE)
            place = storage(tx, body.storage, body.label)
            require_combinable(f"Keeping image {body.name} on storage {place.name}", body.label, place.label)
            image = Image(id=new_id(), name=body.name, project_id=project, label=body.label, storage_id=place.id,
                          state=ImageState.UPLOADING)  # fmt: skip
            act.about(image)
            return IMAGE.insert(tx, image)

        return await self.audit.change(actor, act, work)

    async def upload_target(self, actor: Actor, reference: str) -> tuple[Image, str]:
        """An image that takes an upload, and the id of the host that stores it."""
        image = await self._writable(actor, reference)
        _require_uploading(image)
        return image, await self.db.read(lambda tx: storage_host(tx, image.storage_id))

    async def finish_upload(self, actor: Actor, reference: str) -> Change[ImageMake]:
        """The file is complete: check, convert and store it."""
        image = await self._writable(actor, reference)
        _require_uploading(image)
        making = dataclasses.replace(image, state=ImageState.CREATING)

        def reserve(tx: Tx) -> None:
            _require_uploading(IMAGE.get(tx, image.id))
            IMAGE.change(tx, image.id, state=ImageState.CREATING)

        return _change(IMAGE_IMPORT_TASK, image, ImageMake(image=making), reserve)

    async def build(self, actor: Actor, body: wire.ImageBuild) -> Change[ImageMake]:
        """Build one of Altus' own images."""
        actor.require(Permission.IMAGE_WRITE, project_id=DEFAULT_PROJECT)

        def draft(tx: Tx) -> Image:
            return Image(id=new_id(), name=body.name or body.image, storage_id=storage(tx, body.storage, Label.OPEN).id,
                         built=body.image)  # fmt: skip

        image = await self.db.read(draft)
        return _change(IMAGE_BUILD_TASK, image, ImageMake(image=image), lambda tx: (IMAGE.insert(tx, image), None)[1])

    async def delete(self, actor: Actor, reference: str) -> Change[ImageRemove]:
        """Remove an image, or an upload that was begun."""
        image = await self._writable(actor, reference)
        return _change(IMAGE_DELETE_TASK, image, ImageRemove(image_id=image.id))

    async def _writable(self, actor: Actor, reference: str) -> Image:
        image = await self.get(actor, reference)
        actor.require(Permission.IMAGE_WRITE, project_id=image.project_id, object_id=image.id)
        return image


def ready_image(tx: Tx, actor: Actor, reference: str) -> Image:
    """An image that can be used now. Its size and format are not known before, so nothing can be planned with it."""
    image = visible(tx, actor, IMAGE, reference, Permission.IMAGE_READ)
    if image.state is not ImageState.READY:
        raise Conflict(f"Image {image.name} is {image.state}.", code="image.not_ready",
                       hint="Wait until it is ready: see `altus image list`.")  # fmt: skip
    return image


def disk_image(tx: Tx, actor: Actor, reference: str) -> Image:
    """An image of which disks can be made."""
    image = ready_image(tx, actor, reference)
    if image.source_format is ImageFormat.ISO:
        raise InvalidInput(f"Image {image.name} is an ISO.", code="image.is_iso", hint="Give it as cdrom.")
    return image


def _require_uploading(image: Image) -> None:
    if image.state is not ImageState.UPLOADING:
        raise Conflict(f"Image {image.name} is {image.state}: it takes no upload.", code="image.not_uploading",
                       hint="Begin a new upload under another name.")  # fmt: skip


def _change(kind: Any, image: Image, arguments: Any, reserve: Any = lambda _tx: None) -> Change[Any]:
    return Change(kind=kind, arguments=arguments, object_id=image.id, object_name=image.name,
                  project_id=image.project_id, reserve=reserve)  # fmt: skip
