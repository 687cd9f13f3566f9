"""Images: built, uploaded and imported, deleted."""

from __future__ import annotations

import dataclasses
from typing import Any

from altus.common.errors import Conflict
from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.lookup import project_id, storage, visible
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
from altus.model.image import Image, ImageState
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page
from altus.model.resource import DEFAULT_PROJECT
from altus.wire import resources as wire


class ImageService:
    """The image library."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def get(self, actor: Actor, reference: str) -> Image:
        """By id or name."""
        return await self.db.read(lambda tx: visible(tx, actor, IMAGE, reference, Permission.IMAGE_READ))

    async def page(self, actor: Actor, query: ListQuery) -> Page[Image]:
        """A page of the images the actor may see."""
        projects = actor.visible_projects(Permission.IMAGE_READ)
        return await self.db.read(lambda tx: IMAGE.page(tx, query, projects))

    async def begin_upload(self, actor: Actor, body: wire.ImageCreate) -> Image:
        """Reserve the name of an image whose file is to be uploaded."""

        def work(tx: Tx) -> Image:
            project = project_id(tx, body.project)
            actor.require(Permission.IMAGE_WRITE, project_id=project)
            image = Image(id=new_id(), name=body.name, project_id=project, label=body.label,
                          storage_id=storage(tx, body.storage).id, state=ImageState.UPLOADING)  # fmt: skip
            return IMAGE.insert(tx, image)

        return await self.db.write(work)

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
            return Image(id=new_id(), name=body.name or body.image, storage_id=storage(tx, body.storage).id,
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


def _require_uploading(image: Image) -> None:
    if image.state is not ImageState.UPLOADING:
        raise Conflict(f"Image {image.name} is {image.state}: it takes no upload.", code="image.not_uploading",
                       hint="Begin a new upload under another name.")  # fmt: skip


def _change(kind: Any, image: Image, arguments: Any, reserve: Any = lambda _tx: None) -> Change[Any]:
    return Change(kind=kind, arguments=arguments, object_id=image.id, object_name=image.name,
                  project_id=image.project_id, reserve=reserve)  # fmt: skip
