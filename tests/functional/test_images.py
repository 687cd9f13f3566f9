"""Images brought by users: every format, and those that mean harm."""

from __future__ import annotations

import asyncio
import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pycdlib
import pytest

from altus.common.errors import AltusError, Conflict, NotFound
from altus.common.units import MIB
from altus.model.image import ImageFormat, ImageState
from altus.wire.resources import ImageBuild, ImageCreate, ImageView
from altus.wire.vms import VmEdit
from testbed.administrator import IMAGE, Administrator, fresh

pytestmark = pytest.mark.functional


async def _qemu_img(*arguments: str | Path) -> None:
    process = await asyncio.create_subprocess_exec("qemu-img", *map(str, arguments), stdout=subprocess.DEVNULL)
    assert await process.wait() == 0, arguments


async def _disk(admin: Administrator) -> Path:
    """The file of the tiny image's disk, a qcow2."""
    return admin.system.storage / "images" / (await admin.altus.images.get(IMAGE)).id / "disk.qcow2"


async def _bring(admin: Administrator, file: Path) -> ImageView:
    image = await admin.altus.images.begin(ImageCreate(name=fresh("image")))
    assert image.state is ImageState.UPLOADING
    assert await admin.altus.images.upload(image.id, file) == file.stat().st_size
    await admin.altus.images.finish(image.id).run()
    return await admin.altus.images.get(image.id)


@pytest.mark.parametrize("source", [f for f in ImageFormat if f is not ImageFormat.ISO])
async def test_a_disk_of_every_format_is_stored_bit_by_bit(
    admin: Administrator, tmp_path: Path, source: ImageFormat
) -> None:
    disk, file = await _disk(admin), tmp_path / "brought"
    options = ["-o", "subformat=streamOptimized"] if source is ImageFormat.VMDK else []
    options = ["-o", "force_size=on"] if source is ImageFormat.VHD else options
    await _qemu_img("convert", "-O", source, *options, disk, file)
    image = await _bring(admin, file)
    assert (image.state, image.source_format) == (ImageState.READY, source)
    assert image.size == (await admin.altus.images.get(IMAGE)).size
    await _qemu_img("compare", "-s", disk, admin.system.storage / "images" / image.id / "disk.qcow2")


async def test_a_vm_boots_from_a_disk_that_was_brought(admin: Administrator, tmp_path: Path) -> None:
    file = tmp_path / "brought.vmdk"
    await _qemu_img("convert", "-O", "vmdk", await _disk(admin), file)
    image = await _bring(admin, file)
    vm = await admin.vm(image=image.name, memory=256 * MIB, start=True)
    vm = await admin.answers(vm.id)
    assert vm.guest is not None
    assert vm.guest.hostname == vm.name
    assert "/disk" in {filesystem.mountpoint for filesystem in vm.guest.filesystems}


async def test_an_upload_goes_on_where_it_broke_off(admin: Administrator, tmp_path: Path) -> None:
    file = tmp_path / "brought"
    await _qemu_img("convert", "-O", "qcow2", await _disk(admin), file)
    image = await admin.altus.images.begin(ImageCreate(name=fresh("image")))
    half = tmp_path / "half"
    half.write_bytes(file.read_bytes()[: 3 * MIB])
    assert await admin.altus.images.upload(image.id, half) == 3 * MIB
    admin.system.restart("altus-agent")
    told: list[int] = []
    assert await admin.altus.images.upload(image.id, file, lambda sent, _size: told.append(sent)) == file.stat().st_size
    assert told[0] == 3 * MIB
    await admin.altus.images.finish(image.id).run()
    assert (await admin.altus.images.get(image.id)).state is ImageState.READY


def _with_backing_file(folder: Path) -> Path:
    secret, file = folder / "secret", folder / "hostile"
    secret.write_bytes(b"s" * MIB)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(secret), "-F", "raw", str(file)], check=True)
    return file


def _with_data_file(folder: Path) -> Path:
    file = folder / "hostile"
    options = f"data_file={folder}/data,data_file_raw=on"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", options, str(file), "1M"], check=True)
    return file


_DESCRIPTOR = """# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicFlat"
RW 2048 FLAT "/etc/passwd" 0
ddb.virtualHWVersion = "4"
"""


def _with_foreign_extent(folder: Path) -> Path:
    file = folder / "hostile"
    file.write_text(_DESCRIPTOR)
    return file


def _giant(folder: Path) -> Path:
    file = folder / "hostile"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(file), "500T"], check=True)
    return file


def _cut_short(folder: Path) -> Path:
    whole, file = folder / "whole.raw", folder / "hostile"
    whole.write_bytes(b"\x5a" * 4 * MIB)
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", str(whole), str(file)], check=True)
    with file.open("r+b") as cut:
        cut.truncate(2 * MIB)
    return file


def _empty(folder: Path) -> Path:
    file = folder / "hostile"
    file.touch()
    return file


_HOSTILE = [_with_backing_file, _with_data_file, _with_foreign_extent, _giant, _cut_short, _empty]


@pytest.mark.parametrize("make", _HOSTILE)
async def test_a_hostile_image_is_refused_and_leaves_nothing(
    admin: Administrator, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    file, before = make(tmp_path), admin.system.files()
    with pytest.raises(AltusError) as caught:
        await _bring(admin, file)
    assert caught.value.kind in ("invalid", "limit_exceeded"), caught.value.to_dict()
    assert caught.value.hint
    await admin.healthy()
    assert admin.system.files() == before


async def test_a_used_image_stays_and_a_name_is_given_once(admin: Administrator) -> None:
    vm = await admin.vm(networks=())
    with pytest.raises(Conflict) as caught:
        await admin.altus.images.delete(IMAGE)
    assert caught.value.code == "image.in_use"
    assert f"{vm.name}-disk0" in caught.value.message
    with pytest.raises(Conflict) as taken:
        await admin.altus.images.build(ImageBuild(image=IMAGE))
    assert taken.value.code == "image.name_taken"


async def test_a_built_image_can_be_built_again_under_another_name(admin: Administrator) -> None:
    name = fresh("image")
    await admin.altus.images.build(ImageBuild(image=IMAGE, name=name)).run()
    built, first = await admin.altus.images.get(name), await admin.altus.images.get(IMAGE)
    assert (built.size, built.direct_boot) == (first.size, True)
    await admin.altus.images.delete(name).run()
    with pytest.raises(NotFound):
        await admin.altus.images.get(name)


async def test_an_iso_is_a_drive_not_a_disk(admin: Administrator, tmp_path: Path) -> None:
    file = tmp_path / "brought.iso"
    content = tmp_path / "content"
    content.mkdir()
    (content / "hello").write_text("from the drive\n")
    _write_iso(file, b"from the drive\n")
    image = await _bring(admin, file)
    assert image.source_format is ImageFormat.ISO
    with pytest.raises(AltusError) as caught:
        await admin.vm(image=image.name)
    assert caught.value.code == "image.is_iso"
    vm = await admin.vm(cdrom=image.name, start=True)
    await admin.answers(vm.id)
    assert await admin.run(vm.id, "mount -t iso9660 -o ro /dev/sr0 /mnt && cat /mnt/hello*; umount /mnt") == (
        "from the drive"
    )
    with pytest.raises(Conflict):
        await admin.altus.images.delete(image.id)
    await admin.altus.vms.edit(vm.id, VmEdit(description="still there")).run()


def _write_iso(path: Path, content: bytes) -> None:
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, rock_ridge="1.09")
    iso.add_fp(io.BytesIO(content), len(content), "/HELLO.;1", rr_name="hello")
    iso.write(str(path))
    iso.close()
