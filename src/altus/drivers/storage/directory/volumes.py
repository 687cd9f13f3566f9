"""Volumes: empty, linked to an image, or copied. Each is made in a work folder and appears by one rename."""

from __future__ import annotations

from pathlib import Path

from altus.common.errors import Conflict, Failed
from altus.drivers.storage.base import Progress
from altus.drivers.storage.directory.catalog import Disk
from altus.drivers.storage.directory.drafts import finish, refuse_open, show
from altus.drivers.storage.directory.files import allocation, copy, is_open, reflink, sync, wait_closed
from altus.drivers.storage.directory.linked import link_volume
from altus.drivers.storage.directory.repository import Repository
from altus.drivers.storage.directory.room import METADATA
from altus.drivers.storage.refusals import (
    check_covers,
    check_volume_size,
    grows,
    iso_as_base,
    no_image,
    no_volume,
    same_volume,
)
from altus.drivers.storage.threads import in_thread, stoppable
from altus.model.volume import BaseKind, VolumeBase, VolumeFacts


class Volumes:
    """The volumes of one repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def create(self, volume_id: str, size: int, base: VolumeBase | None, progress: Progress) -> VolumeFacts:
        """See `StorageDriver.create_volume`."""
        repository = self._repository
        keys = [base.id] if base is not None and base.kind == BaseKind.VOLUME else []
        async with repository.operation(volume_id, *keys):
            existing = await in_thread(repository.catalog.volume, volume_id)
            if existing is not None:
                return same_volume(existing, size, base)
            check_volume_size(size)
            async with repository.work() as folder:
                await self._make(folder, volume_id, size, base, progress)
            progress(1.0)
            return await self._facts(volume_id)

    async def resize(self, volume_id: str, size: int) -> VolumeFacts:
        """See `StorageDriver.resize_volume`."""
        repository = self._repository
        async with repository.operation(volume_id):
            facts = await self._facts(volume_id)
            if grows(facts, size):
                path = repository.layout.volume(volume_id)
                await in_thread(refuse_open, path, volume_id)
                await repository.qemu_img.resize(path, size)
                await in_thread(sync, path)
            return await self._facts(volume_id)

    async def delete(self, volume_id: str) -> None:
        """See `StorageDriver.delete_volume`."""
        repository = self._repository
        path = repository.layout.volume(volume_id)

        def change() -> None:
            if is_open(path):
                raise Conflict(
                    f"Volume {volume_id} is open in a running VM or another operation.",
                    code="volume.in_use",
                    hint="Stop the VM and detach the volume first.",
                )
            layered = self._may_need_layer(path)
            path.unlink(missing_ok=True)
            sync(path.parent)
            repository.drop_pins(volume_id)
            if layered:
                repository.drop_idle_layers()

        async with repository.operation(volume_id):
            await in_thread(wait_closed, path)
            await repository.commit(change)

    def _may_need_layer(self, path: Path) -> bool:
        """Whether layers may be idle once this volume is gone; to find the idle ones, all volumes are looked at."""
        try:
            below = self._repository.catalog.backing(path)
        except Failed:
            return True  # a damaged volume may need anything
        return below is not None and below.parent == self._repository.layout.layers

    async def _make(self, folder: Path, volume_id: str, size: int, base: VolumeBase | None,
                    progress: Progress) -> None:  # fmt: skip
        if base is not None and not base.linked:
            return await self._copied(folder, volume_id, size, base, progress)
        with self._repository.room.promise(METADATA):
            if base is None:
                return await self._thin(folder, volume_id, size)
            if base.kind == BaseKind.VOLUME:
                return await link_volume(self._repository, folder, volume_id, size, base)
            return await self._linked(folder, volume_id, size, base)

    async def _thin(self, folder: Path, volume_id: str, size: int) -> None:
        draft, repository = folder / "volume.qcow2", self._repository
        await repository.qemu_img.create(draft, size)
        await in_thread(finish, draft, None)
        await repository.commit(lambda: show(draft, repository.layout.volume(volume_id)))

    async def _linked(self, folder: Path, volume_id: str, size: int, base: VolumeBase) -> None:
        draft, repository = folder / "volume.qcow2", self._repository
        _, disk = await self._source(base)
        check_covers(size, disk.header.size)
        await repository.qemu_img.create(draft, size, repository.layout.relative(repository.layout.disk(base.id)))
        await in_thread(finish, draft, base)

        def change() -> None:
            if not repository.layout.manifest(base.id).exists():
                raise no_image(base.id)  # deleted while we worked
            show(draft, repository.layout.volume(volume_id))

        await repository.commit(change)

    async def _copied(self, folder: Path, volume_id: str, size: int, base: VolumeBase, progress: Progress) -> None:
        draft, repository = folder / "volume.qcow2", self._repository
        source, disk = await self._source(base)
        check_covers(size, disk.header.size)
        chain = await in_thread(repository.catalog.chain, source)
        shares = repository.reflink and disk.header.plain
        growth = 0 if shares else await in_thread(lambda: sum(allocation(path) for path in [source, *chain]))
        with repository.room.promise(METADATA + growth):
            if not disk.header.plain:
                # the chain, internal snapshots and bitmaps stay behind
                await repository.qemu_img.convert(source, "qcow2", draft, progress)
            elif not (shares and await in_thread(reflink, source, draft)):
                await stoppable(lambda report: copy(source, draft, report), progress)
            if size > disk.header.size:
                await repository.qemu_img.resize(draft, size)
            await in_thread(finish, draft, base)
            await repository.commit(lambda: show(draft, repository.layout.volume(volume_id)))

    async def _source(self, base: VolumeBase) -> tuple[Path, Disk]:
        """The file of a base and what it is."""
        layout = self._repository.layout

        def find() -> tuple[Path, Disk]:
            if base.kind == BaseKind.IMAGE and not layout.manifest(base.id).exists():
                raise no_image(base.id)
            path = layout.disk(base.id) if base.kind == BaseKind.IMAGE else layout.volume(base.id)
            disk = self._repository.catalog.disk(path)
            if disk is None:
                raise no_volume(base.id) if base.kind == BaseKind.VOLUME else iso_as_base(base.id)
            if base.kind == BaseKind.VOLUME:
                refuse_open(path, base.id)
            return path, disk

        return await in_thread(find)

    async def _facts(self, volume_id: str) -> VolumeFacts:
        facts = await in_thread(self._repository.catalog.volume, volume_id)
        if facts is None:
            raise no_volume(volume_id)
        return facts
