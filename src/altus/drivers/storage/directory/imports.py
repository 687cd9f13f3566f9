"""Imports: staged files become an image, by one rename of a folder that is whole and flushed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from altus.common.errors import AltusError, Failed, InvalidInput
from altus.drivers.storage.base import Progress
from altus.drivers.storage.directory.files import (
    FOLDER_MODE,
    SHARED_MODE,
    allocation,
    copy,
    hard_link,
    remove_tree,
    sync,
)
from altus.drivers.storage.directory.images import Images, write_manifest
from altus.drivers.storage.directory.repository import Repository
from altus.drivers.storage.directory.room import METADATA
from altus.drivers.storage.formats.reader import check_size, corrupt, needs_other_file
from altus.drivers.storage.qemu_img import QemuImg
from altus.drivers.storage.staged import Staged, look
from altus.drivers.storage.threads import in_thread, stoppable
from altus.model.image import ImageFacts, ImageFormat

_CONVERTED = 0.8
"""The share of the work that is done when the disk is converted; the rest is its checksum."""
_PIECE = 4 * 1024 * 1024
_NO_PARENT = 0xFFFFFFFF
_READ_FAILED = ("Could not open", "while reading", "Could not read", "Check failed")


def _unheard(_share: float) -> None:
    """Of small files no progress is told."""


async def import_image(repository: Repository, images: Images, image_id: str, progress: Progress) -> ImageFacts:
    """See `StorageDriver.import_image`."""
    staging = repository.layout.staging(image_id)
    async with repository.operation(image_id):
        facts = await in_thread(images.read, image_id)
        if facts is None:
            staged = await in_thread(look, staging, image_id)
            async with repository.work() as work:
                facts = await _build(repository, work / "image", image_id, staged, progress)
                await repository.commit(lambda: _show(work / "image", repository.layout.image(image_id)))
        await in_thread(remove_tree, staging)
        progress(1.0)
        return facts


async def _build(repository: Repository, folder: Path, image_id: str, staged: Staged,
                 progress: Progress) -> ImageFacts:  # fmt: skip
    await in_thread(folder.mkdir)
    growth = await _growth(repository.qemu_img, staged)
    with repository.room.promise(METADATA + growth):
        if staged.detected.format == ImageFormat.ISO:
            disk, size = folder / "disk.iso", staged.detected.size
            await stoppable(lambda report: _take(staged.disk, disk, report), lambda share: progress(share * _CONVERTED))
        else:
            disk = folder / "disk.qcow2"
            size = await _convert(repository.qemu_img, staged, disk, progress)
        for source in (staged.kernel, staged.initrd):
            if source is not None:
                await in_thread(_take, source, folder / source.name, _unheard)
        digest = await stoppable(
            lambda report: _sha256(disk, report), lambda share: progress(_CONVERTED + (1 - _CONVERTED) * share)
        )
        facts = ImageFacts(
            id=image_id, size=size, file_size=disk.stat().st_size, sha256=digest, cmdline=staged.cmdline,
            source_format=staged.detected.format, direct_boot=staged.direct_boot,
        )  # fmt: skip
        await in_thread(_finish, folder, facts)
        return facts


async def _growth(qemu_img: QemuImg, staged: Staged) -> int:
    """The bytes that the import will take besides what is staged; looks at the untrusted file with QEMU's eyes too."""
    kernel = sum(path.stat().st_size for path in (staged.kernel, staged.initrd) if path)
    if staged.detected.format == ImageFormat.ISO:
        return kernel
    kind = staged.detected.format.value
    try:
        _refuse(await qemu_img.info(staged.disk, kind), kind)
        if not await qemu_img.check(staged.disk, kind):
            raise corrupt("its tables contradict one another or point beyond its end (is it truncated?)")
        return kernel + min(await qemu_img.required(staged.disk, kind), _bound(staged))
    except Failed as error:
        raise _blame(error) from error


def _bound(staged: Staged) -> int:
    """A raw file cannot need more than its blocks and their tables, whatever `measure` thinks of its zeros."""
    if staged.detected.format == ImageFormat.RAW:
        return allocation(staged.disk) * 65 // 64
    return staged.detected.size * 65 // 64


def _refuse(info: dict[str, Any], kind: str) -> None:
    """The second look, by what QEMU itself understood of the file."""
    details = info.get("format-specific", {}).get("data", {})
    if info.get("format") != kind:
        raise corrupt(f"QEMU takes it for {info.get('format')}, we for {kind}")
    if info.get("backing-filename") or info.get("full-backing-filename"):
        raise needs_other_file("an overlay")
    if details.get("data-file") or info.get("encrypted"):
        raise InvalidInput("The image keeps its data elsewhere or is encrypted.", code="image.data_file")
    if len(details.get("extents", [])) > 1 or details.get("parent-cid", _NO_PARENT) != _NO_PARENT:
        raise InvalidInput("The image consists of several files.", code="image.extents_elsewhere")
    if details.get("corrupt"):
        raise corrupt("it is marked so")
    check_size(int(info["virtual-size"]))


async def _convert(qemu_img: QemuImg, staged: Staged, disk: Path, progress: Progress) -> int:
    try:
        await qemu_img.convert(
            staged.disk, staged.detected.format.value, disk, lambda share: progress(share * _CONVERTED)
        )
    except Failed as error:
        raise _blame(error) from error
    if not await qemu_img.check(disk, "qcow2"):
        raise Failed("The converted image is not consistent.", code="storage.qemu_img_failed")
    return int((await qemu_img.info(disk, "qcow2"))["virtual-size"])


def _blame(error: Failed) -> AltusError:
    """QEMU's failure to read an untrusted file is the file's fault; all others are the storage's."""
    killed = int(error.context.get("exit_code", 0)) < 0
    if killed or any(words in error.message for words in _READ_FAILED):
        return InvalidInput(
            f"The image cannot be read. {error.message}",
            code="image.unreadable",
            hint="Check it with qemu-img check and upload it again.",
        )
    return error


def _take(source: Path, target: Path, report: Callable[[float], None]) -> None:
    """A second name for a staged file where that works, else a copy: what is staged stays until the image is there."""
    if not hard_link(source, target):
        copy(source, target, report)


def _sha256(path: Path, report: Callable[[float], None]) -> str:
    digest, done, size = hashlib.sha256(), 0, max(path.stat().st_size, 1)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            done += len(piece)
            report(done / size)
    return digest.hexdigest()


def _finish(folder: Path, facts: ImageFacts) -> None:
    write_manifest(folder, facts)
    for path in folder.iterdir():
        path.chmod(SHARED_MODE)
        sync(path)
    folder.chmod(FOLDER_MODE)
    sync(folder)


def _show(draft: Path, place: Path) -> None:
    remove_tree(place)  # at most the rest of an image whose deletion was interrupted
    draft.rename(place)
    sync(place.parent)
