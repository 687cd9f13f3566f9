"""A repository in memory: the directory driver's twin for tests and for laptops with many fake hosts.

It keeps the same rules and refusals but no disk content. Given a folder, every change is appended to a journal there,
so that it survives its process; staged files are real files and are told by the same code.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from altus.common.errors import AltusError, NotFound
from altus.common.ids import check_id, is_id
from altus.common.units import GIB, TIB
from altus.drivers.storage.base import Progress, StorageCapabilities
from altus.drivers.storage.fake_journal import FakeVolume, Journal
from altus.drivers.storage.fake_layers import EMPTY, FakeLayers
from altus.drivers.storage.keylocks import KeyLocks
from altus.drivers.storage.refusals import (
    check_covers,
    check_volume_size,
    grows,
    image_in_use,
    iso_as_base,
    no_image,
    no_volume,
    same_volume,
    storage_full,
)
from altus.drivers.storage.staged import Staged, look
from altus.model.image import DirectKernel, ImageFacts, ImageFormat
from altus.model.storage import StorageUsage
from altus.model.volume import BaseKind, DiskSource, VolumeBase, VolumeFacts


class FakeStorage:
    """Made by `open`; the hooks for tests are `fail_next` and the arguments."""

    def __init__(self, folder: Path, journal: Journal, *, capacity: int, reserve: int) -> None:
        self._folder = folder
        self._journal = journal
        self._volumes, self._images = journal.volumes, journal.images
        self._capacity, self._reserve = capacity, reserve
        self._faults: dict[str, AltusError] = {}
        self._keys = KeyLocks()
        self.layers = FakeLayers(journal, self._make_room)

    @classmethod
    async def open(cls, path: Path | None = None, storage_id: str = "", *, capacity: int = TIB,
                   reserve: int = GIB) -> FakeStorage:  # fmt: skip
        """A repository kept in the folder `path` (made if missing), or, without one, nowhere; sizes in bytes."""
        if path is None:
            keeper = tempfile.TemporaryDirectory(prefix="altus-fake-storage-")
            folder = Path(keeper.name)
            journal = Journal(None, keeper)
        else:
            folder = path
            folder.mkdir(parents=True, exist_ok=True)
            journal = Journal(folder / f"fake-{storage_id or 'storage'}.jsonl", None)
        return cls(folder, journal, capacity=capacity, reserve=reserve)

    def fail_next(self, operation: str, error: AltusError) -> None:
        """The next call of this method raises `error` before it does anything."""
        self._faults[operation] = error

    async def capabilities(self) -> StorageCapabilities:
        self._fault("capabilities")
        return StorageCapabilities(linked_clone=True, reflink=True, shared=False)

    async def usage(self) -> StorageUsage:
        self._fault("usage")
        used = self._journal.used
        return StorageUsage(capacity=self._capacity, used=used, available=max(self._capacity - used - self._reserve, 0))

    async def create_volume(self, volume_id: str, size: int, base: VolumeBase | None = None,
                            progress: Progress | None = None) -> VolumeFacts:  # fmt: skip
        self._fault("create_volume")
        check_id(volume_id)
        if volume_id in self._volumes:
            return same_volume(self._volumes[volume_id].facts, size, base)
        check_volume_size(size)
        allocation, image = EMPTY, ""
        if base is not None:
            allocation, image = self._from(base, size)
        self._make_room(allocation)
        facts = VolumeFacts(id=volume_id, size=size, allocation=allocation, base=base)
        self._journal.put_volume(FakeVolume(facts=facts, image=image))
        if progress is not None:
            progress(1.0)
        return facts

    async def resize_volume(self, volume_id: str, size: int) -> VolumeFacts:
        self._fault("resize_volume")
        volume = self._volumes.get(check_id(volume_id))
        if volume is None:
            raise no_volume(volume_id)
        if grows(volume.facts, size):
            volume = replace(volume, facts=replace(volume.facts, size=size))
            self._journal.put_volume(volume)
        return volume.facts

    async def delete_volume(self, volume_id: str) -> None:
        self._fault("delete_volume")
        self._journal.drop_volume(check_id(volume_id))

    async def volume(self, volume_id: str) -> VolumeFacts | None:
        self._fault("volume")
        volume = self._volumes.get(check_id(volume_id))
        return volume.facts if volume else None

    async def volumes(self) -> list[VolumeFacts]:
        self._fault("volumes")
        return [self._volumes[name].facts for name in sorted(self._volumes)]

    def volume_source(self, volume_id: str) -> DiskSource:
        return DiskSource(path=str(self._folder / "volumes" / f"{check_id(volume_id)}.qcow2"))

    def volume_at(self, path: str) -> str | None:
        file = Path(path)
        return file.stem if is_id(file.stem) and path == self.volume_source(file.stem).path else None

    async def sign(self) -> str:
        return str(hash((frozenset(self._volumes), frozenset(self._images))))

    def staging(self, image_id: str) -> Path:
        self._fault("staging")
        folder = self._folder / "staging" / check_id(image_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    async def import_image(self, image_id: str, progress: Progress | None = None) -> ImageFacts:
        self._fault("import_image")
        staging = self._folder / "staging" / check_id(image_id)
        async with self._keys.hold(image_id):
            facts = self._images.get(image_id)
            if facts is None:
                staged = look(staging, image_id)
                facts = await asyncio.to_thread(_facts, image_id, staged)
                self._make_room(facts.file_size)
                self._keep_kernel(image_id, staged)
                self._journal.put_image(facts)
            shutil.rmtree(staging, ignore_errors=True)
        if progress is not None:
            progress(1.0)
        return facts

    async def delete_image(self, image_id: str) -> None:
        self._fault("delete_image")
        check_id(image_id)
        if users := sorted(name for name, volume in self._volumes.items() if volume.image == image_id):
            raise image_in_use(image_id, users)
        self._journal.drop_image(image_id)
        for folder in (self._folder / "images" / image_id, self._folder / "staging" / image_id):
            shutil.rmtree(folder, ignore_errors=True)

    async def image(self, image_id: str) -> ImageFacts | None:
        self._fault("image")
        return self._images.get(check_id(image_id))

    async def images(self) -> list[ImageFacts]:
        self._fault("images")
        return [self._images[name] for name in sorted(self._images)]

    def image_source(self, image_id: str) -> DiskSource:
        return DiskSource(path=str(self._folder / "images" / check_id(image_id) / "disk.iso"), format="raw")

    async def image_kernel(self, image_id: str) -> DirectKernel:
        self._fault("image_kernel")
        facts = self._images.get(check_id(image_id))
        if facts is None:
            raise no_image(image_id)
        if not facts.direct_boot:
            raise NotFound(f"Image {image_id} brings no kernel of its own.", code="image.no_kernel")
        folder = self._folder / "images" / image_id
        return DirectKernel(kernel=str(folder / "kernel"), initrd=str(folder / "initrd"), cmdline=facts.cmdline)

    def _fault(self, operation: str) -> None:
        if error := self._faults.pop(operation, None):
            raise error

    def _from(self, base: VolumeBase, size: int) -> tuple[int, str]:
        """Allocation of a new volume on this base, and the image that it needs from now on."""
        if base.kind == BaseKind.IMAGE:
            image = self._images.get(base.id)
            if image is None:
                raise no_image(base.id)
            if image.source_format == ImageFormat.ISO:
                raise iso_as_base(base.id)
            check_covers(size, image.size)
            return (EMPTY, base.id) if base.linked else (max(image.file_size, EMPTY), "")
        volume = self._volumes.get(base.id)
        if volume is None:
            raise no_volume(base.id)
        check_covers(size, volume.facts.size)
        return (EMPTY, volume.image) if base.linked else (volume.facts.allocation, "")

    def _make_room(self, growth: int) -> None:
        free = self._capacity - self._journal.used
        if free - growth < self._reserve:
            raise storage_full(growth, free, self._reserve)

    def _keep_kernel(self, image_id: str, staged: Staged) -> None:
        if staged.kernel is not None and staged.initrd is not None:
            folder = self._folder / "images" / image_id
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(staged.kernel, folder / "kernel")
            shutil.copyfile(staged.initrd, folder / "initrd")


def _facts(image_id: str, staged: Staged) -> ImageFacts:
    with staged.disk.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ImageFacts(
        id=image_id, size=staged.detected.size, file_size=staged.disk.stat().st_size, sha256=digest,
        source_format=staged.detected.format, direct_boot=staged.direct_boot, cmdline=staged.cmdline,
    )  # fmt: skip
