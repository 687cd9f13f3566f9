"""The directory driver: `StorageDriver` over a folder. Each call is delegated to the part that knows."""

from __future__ import annotations

from pathlib import Path

from altus.drivers.storage.base import Progress, StorageCapabilities
from altus.drivers.storage.directory.files import allocation, storage_error
from altus.drivers.storage.directory.images import Images
from altus.drivers.storage.directory.imports import import_image
from altus.drivers.storage.directory.layers import Layers
from altus.drivers.storage.directory.layout import Layout
from altus.drivers.storage.directory.repository import Repository
from altus.drivers.storage.directory.volumes import Volumes
from altus.drivers.storage.qemu_img import QemuImg
from altus.drivers.storage.threads import in_thread
from altus.model.image import DirectKernel, ImageFacts
from altus.model.storage import StorageUsage
from altus.model.volume import DiskSource, VolumeBase, VolumeFacts


def _unheard(_share: float) -> None:
    """Progress that nobody asked for."""


class DirectoryStorage:
    """A repository in a folder; made by `open`."""

    def __init__(self, repository: Repository, *, shared: bool) -> None:
        self._repository = repository
        self._shared = shared
        self._volumes = Volumes(repository)
        self.layers = Layers(repository)
        self._images = Images(repository)

    @classmethod
    async def open(cls, path: Path, storage_id: str, *, create: bool = False, shared: bool = False,
                   reserve: int | None = None, qemu_img: str = "qemu-img") -> DirectoryStorage:  # fmt: skip
        """Open the repository `storage_id` at `path`, and remove what dead operations left there.

        `create` makes the folder be this repository first (it must be empty or be so already); without it, a folder
        that is not is `Unavailable` (`storage.unavailable`), because its file system may not be mounted. `shared` says
        that several hosts use the folder; `reserve` is the free space to keep, in bytes (None: 5 %, at least 1 GiB);
        `qemu_img` is the program to call.
        """
        layout = Layout(path, storage_id)
        repository = Repository(layout, QemuImg(qemu_img), reserve)
        try:
            await in_thread(layout.initialise if create else layout.check)
            await in_thread(repository.clear)
        except OSError as error:
            raise storage_error(error) from error
        return cls(repository, shared=shared)

    async def capabilities(self) -> StorageCapabilities:
        """Reflinks are found by trying."""
        return StorageCapabilities(linked_clone=True, reflink=self._repository.reflink, shared=self._shared)

    async def usage(self) -> StorageUsage:
        """`used` is what this repository's own files take; others may share its file system, so `available`, which
        leaves the reserve out, can be less than the rest."""
        async with self._repository.operation():
            return await in_thread(self._measure)

    async def create_volume(self, volume_id: str, size: int, base: VolumeBase | None = None,
                            progress: Progress | None = None) -> VolumeFacts:  # fmt: skip
        return await self._volumes.create(volume_id, size, base, progress or _unheard)

    async def resize_volume(self, volume_id: str, size: int) -> VolumeFacts:
        return await self._volumes.resize(volume_id, size)

    async def delete_volume(self, volume_id: str) -> None:
        await self._volumes.delete(volume_id)

    async def volume(self, volume_id: str) -> VolumeFacts | None:
        async with self._repository.operation():
            return await in_thread(self._repository.catalog.volume, volume_id)

    async def volumes(self) -> list[VolumeFacts]:
        async with self._repository.operation():
            return await in_thread(self._repository.catalog.volumes)

    def volume_at(self, path: str) -> str | None:
        return self._repository.layout.volume_at(Path(path))

    async def sign(self) -> str:
        return await in_thread(self._repository.layout.sign)

    def volume_source(self, volume_id: str) -> DiskSource:
        return DiskSource(path=str(self._repository.layout.volume(volume_id)))

    def staging(self, image_id: str) -> Path:
        layout = self._repository.layout
        layout.check()
        folder = layout.staging(image_id)
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise storage_error(error) from error
        return folder

    async def import_image(self, image_id: str, progress: Progress | None = None) -> ImageFacts:
        return await import_image(self._repository, self._images, image_id, progress or _unheard)

    async def delete_image(self, image_id: str) -> None:
        await self._images.delete(image_id)

    async def image(self, image_id: str) -> ImageFacts | None:
        return await self._images.one(image_id)

    async def images(self) -> list[ImageFacts]:
        return await self._images.all()

    def image_source(self, image_id: str) -> DiskSource:
        return DiskSource(path=str(self._repository.layout.iso(image_id)), format="raw")

    async def image_kernel(self, image_id: str) -> DirectKernel:
        return await self._images.kernel(image_id)

    def _measure(self) -> StorageUsage:
        room = self._repository.room
        capacity, free = room.measure()
        return StorageUsage(
            capacity=capacity, used=_own(self._repository.layout.root), available=max(free - room.reserve(capacity), 0)
        )


def _own(root: Path) -> int:
    total = 0
    for path in root.rglob("*"):
        try:
            total += allocation(path) if path.is_file() else 0
        except FileNotFoundError:
            continue  # it went while we walked
    return total
