"""Images that are there: a folder with a manifest, which is written last and removed first."""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path

from altus.common.errors import Conflict, Failed, NotFound
from altus.common.ids import is_id
from altus.drivers.storage.directory.files import is_open, remove_tree, sync
from altus.drivers.storage.directory.repository import Repository
from altus.drivers.storage.refusals import image_in_use, no_image
from altus.drivers.storage.threads import in_thread
from altus.model.image import DirectKernel, ImageFacts, ImageFormat

_log = logging.getLogger(__name__)


class Images:
    """The images of one repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def one(self, image_id: str) -> ImageFacts | None:
        """See `StorageDriver.image`."""
        async with self._repository.operation():
            return await in_thread(self.read, image_id)

    async def all(self) -> list[ImageFacts]:
        """See `StorageDriver.images`; one whose manifest is damaged is logged and left out."""
        async with self._repository.operation():
            return await in_thread(self._read_all)

    async def kernel(self, image_id: str) -> DirectKernel:
        """See `StorageDriver.image_kernel`."""
        facts = await self.one(image_id)
        if facts is None:
            raise no_image(image_id)
        if not facts.direct_boot:
            raise NotFound(f"Image {image_id} brings no kernel of its own.", code="image.no_kernel")
        folder = self._repository.layout.image(image_id)
        return DirectKernel(kernel=str(folder / "kernel"), initrd=str(folder / "initrd"), cmdline=facts.cmdline)

    async def delete(self, image_id: str) -> None:
        """See `StorageDriver.delete_image`."""
        repository = self._repository
        folder, staging = repository.layout.image(image_id), repository.layout.staging(image_id)

        def change() -> None:
            if volumes := repository.catalog.dependents(repository.layout.disk(image_id)):
                raise image_in_use(image_id, volumes)
            if is_open(repository.layout.iso(image_id)):
                raise Conflict(
                    f"Image {image_id} is open in a running VM.", code="image.in_use", hint="Stop the VM first."
                )
            repository.layout.manifest(image_id).unlink(missing_ok=True)
            if folder.exists():
                sync(folder)

        async with repository.operation(image_id):
            await repository.commit(change)
            await in_thread(remove_tree, folder)
            await in_thread(remove_tree, staging)

    def read(self, image_id: str) -> ImageFacts | None:
        """One image's manifest; None if it is not there. Blocks."""
        path = self._repository.layout.manifest(image_id)
        try:
            data = json.loads(path.read_text())
            facts = ImageFacts(**{**data, "source_format": ImageFormat(data["source_format"])})
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise Failed(f"{path} is damaged: {error}", code="image.damaged", hint="Import the image again.") from error
        layout = self._repository.layout
        disk = layout.iso(image_id) if facts.source_format == ImageFormat.ISO else layout.disk(image_id)
        if not disk.exists():
            raise Failed(f"{disk} is gone.", code="image.damaged", hint="Import the image again.")
        return facts

    def _read_all(self) -> list[ImageFacts]:
        found = []
        for folder in sorted(self._repository.layout.images.iterdir()):
            try:
                facts = self.read(folder.name) if is_id(folder.name) else None
            except Failed as error:
                _log.error("an image is left out of the list: %s", error)
                continue
            if facts is not None:
                found.append(facts)
        return found


def write_manifest(folder: Path, facts: ImageFacts) -> None:
    """Write what makes `folder` an image. Blocks."""
    (folder / "manifest.json").write_text(json.dumps(dataclasses.asdict(facts), indent=2) + "\n")
