"""Volumes."""

from __future__ import annotations

from altus.common.errors import InvalidInput
from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.images import disk_image
from altus.manager.services.lookup import project_for, storage, visible, visible_page
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import VOLUME
from altus.manager.tasks.volume_tasks import (
    VOLUME_CREATE_TASK,
    VOLUME_DELETE_TASK,
    VOLUME_RESIZE_TASK,
    VolumeGrow,
    VolumeMake,
    VolumeRemove,
)
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page
from altus.model.volume import BaseKind, Volume, VolumeBase
from altus.wire import resources as wire


class VolumeService:
    """Disks that are made, grown and removed on their own."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def get(self, actor: Actor, reference: str) -> Volume:
        """By id or name."""
        return await self.db.read(lambda tx: visible(tx, actor, VOLUME, reference, Permission.VOLUME_READ))

    async def page(self, actor: Actor, query: ListQuery) -> Page[Volume]:
        """A page of the volumes the actor may see."""
        return await self.db.read(lambda tx: visible_page(tx, actor, VOLUME, query, Permission.VOLUME_READ))

    async def create(self, actor: Actor, body: wire.VolumeCreate) -> Change[VolumeMake]:
        """A new volume, empty or from an image."""

        def draft(tx: Tx) -> Volume:
            project = project_for(tx, actor, body.project, Permission.VOLUME_WRITE)
            image = None if body.image is None else disk_image(tx, actor, body.image)
            place = storage(tx, body.storage, body.label) if body.storage is not None or image is None else None
            storage_id = place.id if place is not None else image.storage_id if image is not None else ""
            base = None if image is None else VolumeBase(kind=BaseKind.IMAGE, id=image.id, linked=body.linked)
            smallest = image.size if image is not None else 0
            if body.size is not None and body.size < smallest:
                raise InvalidInput(f"The image needs at least {smallest} bytes.", code="disk.too_small",
                                   hint="Leave the size out to take the image's.")  # fmt: skip
            return Volume(id=new_id(), name=body.name, project_id=project, label=body.label, storage_id=storage_id,
                          size=body.size or smallest, base=base)  # fmt: skip

        volume = await self.db.read(draft)

        def reserve(tx: Tx) -> None:
            VOLUME.insert(tx, volume)

        return Change(kind=VOLUME_CREATE_TASK, arguments=VolumeMake(volume=volume), object_id=volume.id,
                      object_name=volume.name, project_id=volume.project_id, reserve=reserve)  # fmt: skip

    async def resize(self, actor: Actor, reference: str, body: wire.VolumeResize) -> Change[VolumeGrow]:
        """Grow a volume."""
        volume = await self._writable(actor, reference)
        arguments = VolumeGrow(volume_id=volume.id, size=body.size, vm_id=volume.vm_id)
        return Change(kind=VOLUME_RESIZE_TASK, arguments=arguments, object_id=volume.id, object_name=volume.name,
                      project_id=volume.project_id)  # fmt: skip

    async def delete(self, actor: Actor, reference: str) -> Change[VolumeRemove]:
        """Remove a volume."""
        volume = await self._writable(actor, reference)
        return Change(kind=VOLUME_DELETE_TASK, arguments=VolumeRemove(volume_id=volume.id), object_id=volume.id,
                      object_name=volume.name, project_id=volume.project_id)  # fmt: skip

    async def _writable(self, actor: Actor, reference: str) -> Volume:
        volume = await self.get(actor, reference)
        actor.require(Permission.VOLUME_WRITE, project_id=volume.project_id, object_id=volume.id)
        return volume
