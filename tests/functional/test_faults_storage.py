"""Full disks and a qemu-img that fails: refused clearly, nothing left, and the system goes on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from altus.common.errors import AltusError
from altus.common.units import MIB
from altus.model.volume import VolumeState
from altus.wire.resources import ImageBuild, ImageCreate, VolumeCreate, VolumeResize
from altus.wire.vms import VmClone
from testbed.administrator import IMAGE, Administrator, fresh

pytestmark = pytest.mark.functional
Work = Callable[[Administrator, Path], Awaitable[object]]
_RANDOM = Path("/dev/urandom")


def _noise(path: Path, size: int) -> Path:
    """A raw image that no format makes smaller."""
    with _RANDOM.open("rb") as source, path.open("wb") as file:
        file.write(source.read(size))
    return path


async def _full_clone(admin: Administrator, _folder: Path) -> None:
    """Of a disk that is linked to its image, so that it has to be converted."""
    await admin.altus.vms.clone("source", VmClone(name=fresh("clone"), linked=False)).run()


async def _full_volume(admin: Administrator, _folder: Path) -> None:
    await admin.altus.volumes.create(VolumeCreate(name=fresh("volume"), image=IMAGE, linked=False)).run()


async def _build(admin: Administrator, _folder: Path) -> None:
    await admin.altus.images.build(ImageBuild(image=IMAGE, name=fresh("image"))).run()


async def _import(admin: Administrator, folder: Path) -> None:
    image = await admin.altus.images.begin(ImageCreate(name=fresh("image")))
    try:
        await admin.altus.images.upload(image.id, folder / "noise")
        await admin.altus.images.finish(image.id).run()
    except AltusError:
        if any(there.id == image.id for there in (await admin.altus.images.page()).items):
            await admin.altus.images.delete(image.id).run()
        raise


_WORK = [_full_clone, _full_volume, _build, _import]


async def _source(admin: Administrator) -> None:
    await admin.vm("source", networks=())


def _fill(folder: Path) -> Path:
    """Take all that is free but for 2 MiB."""
    ballast = folder / "work" / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free - 2 * MIB)
    return ballast


async def _refused(admin: Administrator, work: Work, folder: Path, codes: set[str]) -> None:
    before = admin.system.files()
    with pytest.raises(AltusError) as caught:
        await work(admin, folder)
    assert caught.value.code in codes, caught.value.to_dict()
    assert caught.value.hint
    await admin.healthy()
    assert admin.system.files() == before


@pytest.mark.parametrize("work", _WORK)
async def test_what_does_not_fit_is_refused_before_it_begins(
    small_admin: Administrator, tmp_path: Path, work: Work
) -> None:
    await _source(small_admin)
    _noise(tmp_path / "noise", 8 * MIB)
    ballast = _fill(small_admin.system.storage)
    try:
        await _refused(small_admin, work, tmp_path, {"storage.full"})
    finally:
        ballast.unlink()
    await work(small_admin, tmp_path)  # and fits now


@pytest.mark.parametrize("work", [_full_clone, _import])
async def test_a_disk_that_fills_up_meanwhile_leaves_nothing(
    small_admin: Administrator, tmp_path: Path, work: Work
) -> None:
    await _source(small_admin)
    _noise(tmp_path / "noise", 8 * MIB)
    ballast = small_admin.system.storage / "work" / "ballast"
    hook = small_admin.system.hook
    hook.write_text(f'case "$1" in convert) head -c 1G /dev/zero > {ballast} 2>/dev/null;; esac\n')
    try:
        with pytest.raises(AltusError) as caught:
            await work(small_admin, tmp_path)
        assert caught.value.code == "storage.full", caught.value.to_dict()
    finally:
        hook.unlink()
        ballast.unlink(missing_ok=True)
    await small_admin.healthy()
    await work(small_admin, tmp_path)


@pytest.mark.parametrize("work", [_full_clone, _import])
@pytest.mark.parametrize("how", ["exit 1", "kill -9 $$"], ids=["fails", "is killed"])
async def test_a_qemu_img_that_fails_leaves_nothing(admin: Administrator, tmp_path: Path, work: Work, how: str) -> None:
    # limits kill a qemu-img that an image drives mad, so there its death is the image's fault
    codes = {"image.unreadable"} if (how, work) == ("kill -9 $$", _import) else {"storage.qemu_img_failed"}
    await _source(admin)
    _noise(tmp_path / "noise", 2 * MIB)
    admin.system.hook.write_text(f'case "$1" in convert) echo "qemu-img: out of luck" >&2; {how};; esac\n')
    await _refused(admin, work, tmp_path, codes)
    admin.system.hook.unlink()
    await work(admin, tmp_path)


async def test_a_resize_that_fails_leaves_the_volume_as_it_is(admin: Administrator) -> None:
    volume = await admin.volume(MIB)
    admin.system.hook.write_text('case "$1" in resize) echo "qemu-img: out of luck" >&2; exit 1;; esac\n')
    with pytest.raises(AltusError) as caught:
        await admin.altus.volumes.resize(volume.id, VolumeResize(size=2 * MIB)).run()
    assert caught.value.code == "storage.qemu_img_failed"
    after = await admin.altus.volumes.get(volume.id)
    assert (after.state, after.size) == (VolumeState.READY, MIB)
