"""A full disk: an error that says so, nothing visible, and deleting still works. Needs root, for a small tmpfs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from altus.common.errors import LimitExceeded
from altus.common.ids import new_id
from altus.common.units import GIB, MIB
from altus.drivers.storage.directory.driver import DirectoryStorage
from altus.drivers.storage.directory.room import Room
from tests.unit.drivers.storage.storage_kit import disk_bytes, image, import_file, opened, run, volume, whole, write

pytestmark = pytest.mark.functional

IMAGE = "0192f0c1-0000-7000-8000-000000000010"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Path]:
    """A folder on a file system of 64 MiB."""
    mount = tmp_path / "small"
    mount.mkdir()
    await run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(mount))
    yield mount / "r"
    await run("umount", str(mount))


@pytest.fixture
async def storage(place: Path) -> DirectoryStorage:
    """With an image of 10 MiB."""
    driver = await opened(place)
    await import_file(driver, IMAGE, disk_bytes(12 * MIB, 10 * MIB))
    return driver


def fill(place: Path, leave: int = 0) -> None:
    """Take the space, but for `leave` bytes."""
    stat = os.statvfs(place)
    with (place / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, stat.f_bavail * stat.f_frsize - leave)


async def full(call: Awaitable[object]) -> None:
    with pytest.raises(LimitExceeded) as caught:
        await call
    assert caught.value.code == "storage.full"
    assert caught.value.hint


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard sees room that somebody else takes a moment later."""
    monkeypatch.setattr(Room, "measure", lambda _: (64 * MIB, GIB))


@pytest.mark.parametrize("leave", [0, 64 * 1024, 256 * 1024, 4 * MIB])
@pytest.mark.usefixtures("blind")
async def test_a_disk_that_fills_up_on_the_way(storage: DirectoryStorage, place: Path, leave: int) -> None:
    imported = new_id()
    (storage.staging(imported) / "upload").write_bytes(disk_bytes(12 * MIB, 10 * MIB))
    fill(place, leave)
    await full(storage.create_volume(new_id(), 64 * MIB, image(IMAGE, linked=False)))
    await full(storage.import_image(imported))
    if leave < MIB:
        for base in (None, image(IMAGE)) if not leave else ():
            await full(storage.create_volume(new_id(), 64 * MIB, base))
    assert await storage.volumes() == []
    assert [facts.id for facts in await storage.images()] == [IMAGE]
    assert list((place / "work").iterdir()) == []
    (place / "ballast").unlink()
    assert (await storage.import_image(imported)).size == 12 * MIB


@pytest.mark.usefixtures("blind")
async def test_a_linked_clone_on_a_full_disk_keeps_its_source(storage: DirectoryStorage, place: Path) -> None:
    source = new_id()
    await storage.create_volume(source, 64 * MIB)
    write(storage.volume_source(source).path, 1, "0", "1M")
    for leave in (0, 100 * 1024, 300 * 1024):
        fill(place, leave)
        await full(storage.create_volume(new_id(), 64 * MIB, volume(source)))
        (place / "ballast").unlink()
        assert [facts.id for facts in await storage.volumes()] == [source]
        assert whole(Path(storage.volume_source(source).path))


async def test_deleting_and_opening_work_on_a_full_disk(storage: DirectoryStorage, place: Path) -> None:
    volume_id = new_id()
    await storage.create_volume(volume_id, 64 * MIB, image(IMAGE))
    fill(place)
    assert (await storage.usage()).available == 0
    again = await opened(place, create=False)
    await again.delete_volume(volume_id)
    await again.delete_image(IMAGE)
    assert (await again.volumes(), await again.images()) == ([], [])


async def test_the_guard_refuses_before_it_starts(place: Path) -> None:
    storage = await opened(place, reserve=35 * MIB)
    await import_file(storage, IMAGE, disk_bytes(12 * MIB, 10 * MIB))
    fill(place, 44 * MIB)
    await storage.create_volume(new_id(), GIB, image(IMAGE))
    await full(storage.create_volume(new_id(), GIB, image(IMAGE, linked=False)))
    usage = await storage.usage()
    assert usage.capacity == 64 * MIB
    assert usage.used > 10 * MIB
    assert 8 * MIB < usage.available < 9 * MIB


async def test_copies_at_the_same_time_cannot_promise_the_same_room_twice(place: Path) -> None:
    storage = await opened(place, reserve=30 * MIB)
    await import_file(storage, IMAGE, disk_bytes(12 * MIB, 10 * MIB))
    copies = (storage.create_volume(new_id(), 64 * MIB, image(IMAGE, linked=False)) for _ in range(4))
    results = await asyncio.gather(*copies, return_exceptions=True)
    refused = [result for result in results if isinstance(result, LimitExceeded)]
    assert 0 < len(refused) < 4
    assert len(await storage.volumes()) == 4 - len(refused)
