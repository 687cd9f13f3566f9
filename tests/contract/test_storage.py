"""Every storage driver keeps the protocol, the fake one included."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from altus.common.errors import AltusError, Conflict, InvalidInput, LimitExceeded, NotFound
from altus.common.ids import new_id
from altus.common.units import GIB, MIB, TIB
from altus.drivers.storage.base import StorageDriver
from altus.drivers.storage.load import StorageOptions, open_storage
from altus.model.image import ImageFormat
from altus.model.volume import BaseKind, VolumeBase

DISK = os.urandom(MIB) + bytes(3 * MIB)

Open = Callable[..., Awaitable[StorageDriver]]


@pytest.fixture(params=["directory", "fake"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Open the same repository (again)."""
    storage_id = new_id()

    async def opened(reserve: int = 0) -> StorageDriver:
        options = StorageOptions(storage_id=storage_id, path=tmp_path / "repository", create=True, reserve=reserve)
        return await open_storage(request.param, options)

    return opened


@pytest.fixture
async def storage(reopen: Open) -> StorageDriver:
    return await reopen()


async def imported(storage: StorageDriver, content: bytes = DISK, **others: bytes) -> str:
    image_id = new_id()
    folder = storage.staging(image_id)
    (folder / "upload").write_bytes(content)
    for name, data in others.items():
        (folder / name).write_bytes(data)
    await storage.import_image(image_id)
    return image_id


def linked_to_image(image_id: str) -> VolumeBase:
    return VolumeBase(kind=BaseKind.IMAGE, id=image_id)


def linked_to_volume(volume_id: str) -> VolumeBase:
    return VolumeBase(kind=BaseKind.VOLUME, id=volume_id)


def copy_of(base: VolumeBase) -> VolumeBase:
    return VolumeBase(kind=base.kind, id=base.id, linked=False)


def content(path: str) -> bytes | None:
    return Path(path).read_bytes() if Path(path).exists() else None


def iso() -> bytes:
    content = bytearray(256 * 1024)
    content[0x8000:0x8006] = b"\x01CD001"
    content[0x8050:0x8054] = (128).to_bytes(4, "little")
    content[0x8080:0x8082] = (2048).to_bytes(2, "little")
    return bytes(content)


async def refused(call: Awaitable[object], kind: type[AltusError], code: str) -> None:
    with pytest.raises(kind) as caught:
        await call
    assert caught.value.code == code
    assert caught.value.message


async def test_an_empty_volume_has_its_size_and_takes_almost_nothing(storage: StorageDriver) -> None:
    volume_id = new_id()
    facts = await storage.create_volume(volume_id, 20 * GIB)
    assert (facts.id, facts.size, facts.base) == (volume_id, 20 * GIB, None)
    assert 0 < facts.allocation < MIB
    assert await storage.volume(volume_id) == facts
    assert await storage.volumes() == [facts]
    assert storage.volume_source(volume_id).format == "qcow2"


async def test_creating_twice_is_success_and_something_else_is_a_conflict(storage: StorageDriver) -> None:
    volume_id, image_id = new_id(), await imported(storage)
    first = await storage.create_volume(volume_id, GIB, linked_to_image(image_id))
    assert await storage.create_volume(volume_id, GIB, linked_to_image(image_id)) == first
    await refused(storage.create_volume(volume_id, 2 * GIB, linked_to_image(image_id)), Conflict, "volume.differs")
    await refused(storage.create_volume(volume_id, GIB), Conflict, "volume.differs")
    await refused(storage.create_volume(volume_id, GIB, copy_of(linked_to_image(image_id))), Conflict, "volume.differs")


async def test_creating_the_same_at_the_same_time_makes_one(storage: StorageDriver) -> None:
    volume_id = new_id()
    results = await asyncio.gather(*(storage.create_volume(volume_id, GIB) for _ in range(5)))
    assert len(set(results)) == 1
    assert len(await storage.volumes()) == 1


@pytest.mark.parametrize("linked", [True, False], ids=["linked", "copied"])
@pytest.mark.parametrize("size", [4 * MIB, GIB], ids=["same size", "larger"])
async def test_a_volume_from_an_image(storage: StorageDriver, size: int, linked: bool) -> None:
    base = VolumeBase(kind=BaseKind.IMAGE, id=await imported(storage), linked=linked)
    shares: list[float] = []
    facts = await storage.create_volume(new_id(), size, base, shares.append)
    assert (facts.size, facts.base) == (size, base)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("linked", [True, False], ids=["linked", "copied"])
async def test_a_volume_from_a_volume_outlives_it(storage: StorageDriver, linked: bool) -> None:
    image_id, source, clone = await imported(storage), new_id(), new_id()
    original = await storage.create_volume(source, GIB, linked_to_image(image_id))
    base = VolumeBase(kind=BaseKind.VOLUME, id=source, linked=linked)
    assert (await storage.create_volume(clone, 2 * GIB, base)).base == base
    after = await storage.volume(source)
    assert after is not None
    assert (after.size, after.base) == (original.size, original.base)
    await storage.delete_volume(source)
    assert [facts.id for facts in await storage.volumes()] == [clone]


async def test_a_base_that_is_larger_or_missing_is_refused(storage: StorageDriver) -> None:
    image_id, source = await imported(storage), new_id()
    await storage.create_volume(source, GIB)
    too_small = "volume.smaller_than_base"
    for base in (linked_to_image(image_id), copy_of(linked_to_image(image_id))):
        await refused(storage.create_volume(new_id(), 2 * MIB, base), InvalidInput, too_small)
        other = VolumeBase(kind=BaseKind.IMAGE, id=new_id(), linked=base.linked)
        await refused(storage.create_volume(new_id(), GIB, other), NotFound, "image.not_on_storage")
    for base in (linked_to_volume(source), copy_of(linked_to_volume(source))):
        await refused(storage.create_volume(new_id(), 2 * MIB, base), InvalidInput, too_small)
        other = VolumeBase(kind=BaseKind.VOLUME, id=new_id(), linked=base.linked)
        await refused(storage.create_volume(new_id(), GIB, other), NotFound, "volume.not_on_storage")
    assert len(await storage.volumes()) == 1


@pytest.mark.parametrize("size", [0, -512, 1000, 64 * TIB + 512, MIB + 1])
async def test_impossible_sizes_are_refused(storage: StorageDriver, size: int) -> None:
    await refused(storage.create_volume(new_id(), size), InvalidInput, "volume.size")


async def test_resize_grows_and_never_shrinks(storage: StorageDriver) -> None:
    volume_id = new_id()
    await storage.create_volume(volume_id, GIB)
    assert (await storage.resize_volume(volume_id, 3 * GIB)).size == 3 * GIB
    assert (await storage.resize_volume(volume_id, 3 * GIB)).size == 3 * GIB
    await refused(storage.resize_volume(volume_id, 2 * GIB), InvalidInput, "volume.shrink")
    await refused(storage.resize_volume(new_id(), GIB), NotFound, "volume.not_on_storage")
    facts = await storage.volume(volume_id)
    assert facts is not None
    assert facts.size == 3 * GIB


async def test_deleting_twice_is_success(storage: StorageDriver) -> None:
    volume_id, image_id = new_id(), await imported(storage)
    await storage.create_volume(volume_id, GIB)
    for _ in range(2):
        await storage.delete_volume(volume_id)
        await storage.delete_image(image_id)
    assert (await storage.volume(volume_id), await storage.image(image_id)) == (None, None)
    assert (await storage.volumes(), await storage.images()) == ([], [])


async def test_an_image_has_the_facts_of_its_file(storage: StorageDriver) -> None:
    image_id = await imported(storage)
    facts = await storage.image(image_id)
    assert facts is not None
    assert (facts.id, facts.size, facts.source_format) == (image_id, 4 * MIB, ImageFormat.RAW)
    assert facts.file_size > MIB
    assert len(facts.sha256) == len(hashlib.sha256().hexdigest())
    assert not facts.direct_boot
    assert await storage.images() == [facts]
    assert await storage.import_image(image_id) == facts, "what is there is success, though nothing is staged now"
    assert list(storage.staging(image_id).iterdir()) == []


async def test_a_built_image_brings_its_kernel(storage: StorageDriver) -> None:
    image_id = new_id()
    folder = storage.staging(image_id)
    for name, data in {"disk": DISK, "kernel": b"K" * 9, "initrd": b"I" * 7, "cmdline": b"console=ttyS0\n"}.items():
        (folder / name).write_bytes(data)
    facts = await storage.import_image(image_id)
    assert (facts.direct_boot, facts.cmdline) == (True, "console=ttyS0")
    kernel = await storage.image_kernel(image_id)
    assert content(kernel.kernel) == b"K" * 9
    assert content(kernel.initrd) == b"I" * 7
    assert kernel.cmdline == "console=ttyS0"
    await storage.delete_image(image_id)
    assert content(kernel.kernel) is None
    await refused(storage.image_kernel(image_id), NotFound, "image.not_on_storage")


async def test_an_image_without_a_kernel_says_so(storage: StorageDriver) -> None:
    await refused(storage.image_kernel(await imported(storage)), NotFound, "image.no_kernel")


async def test_half_a_kernel_is_refused(storage: StorageDriver) -> None:
    await refused(imported(storage, kernel=b"K"), InvalidInput, "image.incomplete")


async def test_an_iso_stays_an_iso_and_is_no_base(storage: StorageDriver) -> None:
    image_id = await imported(storage, iso())
    facts = await storage.image(image_id)
    assert facts is not None
    assert (facts.source_format, facts.size) == (ImageFormat.ISO, len(iso()))
    assert facts.sha256 == hashlib.sha256(iso()).hexdigest()
    assert storage.image_source(image_id).format == "raw"
    for base in (linked_to_image(image_id), copy_of(linked_to_image(image_id))):
        await refused(storage.create_volume(new_id(), GIB, base), InvalidInput, "image.not_a_disk")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "image.empty"),
        (b"x" * 700, "image.truncated"),
        (b"\x1f\x8b" + bytes(1022), "image.compressed"),
        (b"COWD" + bytes(1020), "image.unsupported"),
        (b"# Disk DescriptorFile\n", "image.extents_elsewhere"),
        (b"QFI\xfb\x00\x00\x00\x03", "image.truncated"),
    ],
)
async def test_a_bad_upload_is_refused_and_leaves_no_image(storage: StorageDriver, content: bytes, code: str) -> None:
    await refused(imported(storage, content), InvalidInput, code)
    assert await storage.images() == []


async def test_a_link_is_no_upload(storage: StorageDriver, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(DISK)
    image_id = new_id()
    (storage.staging(image_id) / "upload").symlink_to(tmp_path / "secret")
    await refused(storage.import_image(image_id), InvalidInput, "image.not_a_file")


async def test_nothing_staged_is_refused(storage: StorageDriver) -> None:
    await refused(storage.import_image(new_id()), InvalidInput, "image.nothing_staged")


async def test_an_image_that_linked_volumes_need_stays(storage: StorageDriver) -> None:
    image_id, first, second = await imported(storage), new_id(), new_id()
    await storage.create_volume(first, GIB, linked_to_image(image_id))
    await storage.create_volume(second, GIB, linked_to_volume(first))
    await refused(storage.delete_image(image_id), Conflict, "image.in_use")
    await storage.delete_volume(first)
    await refused(storage.delete_image(image_id), Conflict, "image.in_use")
    assert await storage.image(image_id) is not None
    await storage.delete_volume(second)
    await storage.delete_image(image_id)


async def test_a_copy_needs_nothing(storage: StorageDriver) -> None:
    image_id, volume_id = await imported(storage), new_id()
    await storage.create_volume(volume_id, GIB, copy_of(linked_to_image(image_id)))
    await storage.delete_image(image_id)
    assert await storage.volume(volume_id) is not None


async def test_deleting_an_image_removes_what_is_staged_for_it(storage: StorageDriver) -> None:
    image_id = new_id()
    staged = storage.staging(image_id) / "upload"
    staged.write_bytes(DISK)
    await storage.delete_image(image_id)
    assert not staged.exists()


async def test_all_is_there_after_opening_again(storage: StorageDriver, reopen: Open) -> None:
    image_id, volume_id = await imported(storage), new_id()
    await storage.create_volume(volume_id, GIB, linked_to_image(image_id))
    await storage.create_volume(new_id(), GIB, copy_of(linked_to_volume(volume_id)))
    await storage.delete_volume(volume_id)
    again = await reopen()
    assert await again.volumes() == await storage.volumes()
    assert await again.images() == await storage.images()
    assert (await again.usage()).used == (await storage.usage()).used


async def test_the_reserve_is_kept(reopen: Open) -> None:
    storage = await reopen(reserve=1024 * TIB)
    assert (await storage.usage()).available == 0
    await refused(storage.create_volume(new_id(), GIB), LimitExceeded, "storage.full")
    await refused(imported(storage), LimitExceeded, "storage.full")
    assert (await storage.volumes(), await storage.images()) == ([], [])


async def test_usage_counts_own_files(storage: StorageDriver) -> None:
    before = await storage.usage()
    await imported(storage)
    after = await storage.usage()
    assert after.used - before.used >= MIB
    assert after.capacity >= after.used + after.available


async def test_capabilities_offer_linked_clones(storage: StorageDriver) -> None:
    assert (await storage.capabilities()).linked_clone


@pytest.mark.parametrize("bad", ["../../etc", "x", "", "a/b"])
async def test_a_name_that_is_no_id_is_refused(storage: StorageDriver, bad: str) -> None:
    with pytest.raises(InvalidInput):
        storage.staging(bad)
    for call in (storage.delete_volume, storage.delete_image, storage.volume, storage.image, storage.import_image):
        await refused(call(bad), InvalidInput, "id.malformed")
    await refused(storage.create_volume(bad, GIB), InvalidInput, "id.malformed")


async def test_volume_is_found_by_its_path(storage: StorageDriver) -> None:
    volume = new_id()
    path = storage.volume_source(volume).path
    assert storage.volume_at(path) == volume
    others = (str(Path(path).with_name("legacy.qcow2")), f"/elsewhere/{volume}.qcow2", f"{path}.old", "", "volumes")
    assert [storage.volume_at(other) for other in others] == [None] * len(others)


async def test_sign_is_another_one_when_a_volume_or_an_image_came_or_went(storage: StorageDriver) -> None:
    volumes, signs = [new_id(), new_id()], [await storage.sign()]
    assert await storage.sign() == signs[0]
    for volume in volumes:
        await storage.create_volume(volume, MIB)
        signs.append(await storage.sign())
    image = await imported(storage)
    signs.append(await storage.sign())
    await imported(storage)
    await storage.delete_image(image)
    signs.append(await storage.sign())
    assert len(set(signs)) == len(signs)
