"""Imports into a directory repository: every format gives the same disk, and hostile files give none."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from altus.common.errors import Failed, InvalidInput
from altus.common.ids import new_id
from altus.common.units import MIB
from altus.drivers.storage.directory.imports import _refuse
from altus.model.image import ImageFormat
from tests.unit.drivers.storage.storage_kit import (
    disk_bytes,
    import_file,
    opened,
    qemu_img,
    same_content,
    whole,
)

_FORMATS = {
    "raw": (ImageFormat.RAW, []),
    "qcow2-v3": (ImageFormat.QCOW2, ["-O", "qcow2"]),
    "qcow2-v2": (ImageFormat.QCOW2, ["-O", "qcow2", "-o", "compat=0.10"]),
    "qcow2-compressed": (ImageFormat.QCOW2, ["-O", "qcow2", "-c"]),
    "qcow2-zstd": (ImageFormat.QCOW2, ["-O", "qcow2", "-c", "-o", "compression_type=zstd"]),
    "vmdk-sparse": (ImageFormat.VMDK, ["-O", "vmdk"]),
    "vmdk-stream": (ImageFormat.VMDK, ["-O", "vmdk", "-o", "subformat=streamOptimized"]),
    "vhd-dynamic": (ImageFormat.VHD, ["-O", "vpc"]),
    "vhd-fixed": (ImageFormat.VHD, ["-O", "vpc", "-o", "subformat=fixed"]),
    "vhdx": (ImageFormat.VHDX, ["-O", "vhdx"]),
    "vhdx-fixed": (ImageFormat.VHDX, ["-O", "vhdx", "-o", "subformat=fixed"]),
}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "source.raw"
    path.write_bytes(disk_bytes(64 * MIB))
    return path


@pytest.mark.parametrize("kind", _FORMATS)
async def test_every_format_becomes_the_same_disk(tmp_path: Path, raw: Path, kind: str) -> None:
    source_format, options = _FORMATS[kind]
    storage, image_id, shares = await opened(tmp_path / "r"), new_id(), list[float]()
    upload = storage.staging(image_id) / "upload"
    qemu_img("convert", "-f", "raw", *(options or ["-O", "raw"]), raw, upload)
    facts = await storage.import_image(image_id, shares.append)
    disk = tmp_path / "r" / "images" / image_id / "disk.qcow2"
    assert facts.source_format == source_format
    assert 64 * MIB <= facts.size < 65 * MIB
    assert facts.sha256 == hashlib.sha256(disk.read_bytes()).hexdigest()
    assert facts.file_size == disk.stat().st_size < 4 * MIB, "holes stay holes"
    assert same_content(raw, "raw", disk)
    assert whole(disk)
    assert json.loads(qemu_img("info", "--output=json", disk))["format"] == "qcow2"
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert list((tmp_path / "r" / "work").iterdir()) == []


# without its end, a raw disk and a fixed VHD are a shorter raw disk
@pytest.mark.parametrize("kind", [kind for kind in _FORMATS if kind not in ("raw", "vhd-fixed")])
async def test_a_file_that_ends_too_early_is_refused(tmp_path: Path, raw: Path, kind: str) -> None:
    storage, image_id = await opened(tmp_path / "r"), new_id()
    whole_file = tmp_path / "whole"
    qemu_img("convert", "-f", "raw", *_FORMATS[kind][1], raw, whole_file)
    content = whole_file.read_bytes()
    with pytest.raises(InvalidInput) as caught:
        await import_file(storage, image_id, content[: len(content) - 600 * 1024])
    assert caught.value.code in ("image.truncated", "image.corrupt", "image.unreadable")
    assert await storage.images() == []
    assert list((tmp_path / "r" / "work").iterdir()) == []


async def test_a_backing_file_is_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"S" * MIB)
    storage, image_id = await opened(tmp_path / "r"), new_id()
    qemu_img("create", "-q", "-f", "qcow2", "-b", secret, "-F", "raw", storage.staging(image_id) / "upload")
    with pytest.raises(InvalidInput) as caught:
        await storage.import_image(image_id)
    assert caught.value.code == "image.backing_file"


@pytest.mark.parametrize(
    ("info", "code"),
    [
        ({"format": "raw"}, "image.corrupt"),
        ({"backing-filename": "/etc/shadow"}, "image.backing_file"),
        ({"encrypted": True}, "image.data_file"),
        ({"format-specific": {"data": {"data-file": "/etc/shadow"}}}, "image.data_file"),
        ({"format-specific": {"data": {"extents": [{}, {}]}}}, "image.extents_elsewhere"),
        ({"format-specific": {"data": {"parent-cid": 7}}}, "image.extents_elsewhere"),
        ({"format-specific": {"data": {"corrupt": True}}}, "image.corrupt"),
        ({"virtual-size": 1 << 60}, "image.too_large"),
    ],
)
def test_the_second_look_refuses_what_qemu_understood(info: dict[str, object], code: str) -> None:
    good = {"format": "qcow2", "virtual-size": MIB}
    _refuse(good, "qcow2")
    with pytest.raises(InvalidInput) as caught:
        _refuse({**good, **info}, "qcow2")
    assert caught.value.code == code


async def test_a_broken_tool_is_not_the_images_fault(tmp_path: Path) -> None:
    storage, image_id = await opened(tmp_path / "r", qemu_img="/bin/false"), new_id()
    with pytest.raises(Failed) as caught:
        await import_file(storage, image_id, disk_bytes())
    assert caught.value.code == "storage.qemu_img_failed"
    assert (storage.staging(image_id) / "upload").exists(), "the upload waits for the next try"
    mended = await opened(tmp_path / "r")
    assert (await mended.import_image(image_id)).size == 8 * MIB


async def test_an_image_can_be_read_by_qemus_user_and_written_by_nobody(tmp_path: Path) -> None:
    storage, image_id = await opened(tmp_path / "r"), new_id()
    await import_file(storage, image_id, disk_bytes())
    folder = tmp_path / "r" / "images" / image_id
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}
    assert {path.stat().st_mode & 0o777 for path in (folder, folder.parent, tmp_path / "r")} == {0o711}
    assert (tmp_path / "r" / "staging").stat().st_mode & 0o777 == 0o700
