"""Opening a directory repository, its marker, and listing it."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from altus.common.errors import AltusError, Conflict, Failed, Unavailable
from altus.common.ids import new_id
from altus.common.units import GIB, MIB
from altus.drivers.storage.directory.driver import DirectoryStorage
from altus.drivers.storage.directory.layout import MARKER
from tests.unit.drivers.storage.storage_kit import STORAGE_ID, disk_bytes, image, import_file, opened


async def test_a_folder_without_the_marker_is_unavailable_not_empty(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for place in (empty, empty / "missing"):
        with pytest.raises(Unavailable) as caught:
            await opened(place, create=False)
        assert caught.value.code == "storage.unavailable"
    assert list(empty.iterdir()) == []


async def test_an_unmounted_repository_is_noticed_by_every_call(tmp_path: Path) -> None:
    storage, image_id = await opened(tmp_path / "r"), new_id()
    (tmp_path / "r").rename(tmp_path / "elsewhere")
    (tmp_path / "r").mkdir()
    calls = (
        storage.usage(), storage.volumes(), storage.images(), storage.volume(image_id), storage.image(image_id),
        storage.create_volume(image_id, GIB), storage.resize_volume(image_id, GIB), storage.delete_volume(image_id),
        storage.import_image(image_id), storage.delete_image(image_id), storage.image_kernel(image_id),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(Unavailable):
            await call
    with pytest.raises(Unavailable):
        storage.staging(image_id)
    assert list((tmp_path / "r").iterdir()) == []


async def test_another_repository_in_its_place_is_refused(tmp_path: Path) -> None:
    await opened(tmp_path / "r")
    with pytest.raises(Unavailable):
        await DirectoryStorage.open(tmp_path / "r", new_id(), create=True)


async def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(Conflict) as caught:
        await opened(tmp_path)
    assert caught.value.code == "storage.not_empty"


async def test_a_newer_layout_is_refused(tmp_path: Path) -> None:
    await opened(tmp_path / "r")
    (tmp_path / "r" / MARKER).write_text(json.dumps({"version": 2, "id": STORAGE_ID}))
    with pytest.raises(Failed) as caught:
        await opened(tmp_path / "r")
    assert caught.value.code == "storage.version"


async def test_what_the_dead_left_goes_at_opening(tmp_path: Path) -> None:
    await opened(tmp_path / "r")
    (tmp_path / "r" / "work" / "0123").mkdir()
    (tmp_path / "r" / "work" / "0123" / "volume.qcow2").write_bytes(bytes(MIB))
    (tmp_path / "r" / "images" / new_id()).mkdir()
    storage = await opened(tmp_path / "r", create=False)
    assert list((tmp_path / "r" / "work").iterdir()) == []
    assert list((tmp_path / "r" / "images").iterdir()) == []
    assert await storage.images() == []


async def test_a_damaged_volume_is_left_out_and_can_be_deleted(tmp_path: Path) -> None:
    storage, good, bad, image_id = await opened(tmp_path / "r"), new_id(), new_id(), new_id()
    await import_file(storage, image_id, disk_bytes())
    await storage.create_volume(good, GIB)
    (tmp_path / "r" / "volumes" / f"{bad}.qcow2").write_bytes(bytes(1000))
    (tmp_path / "r" / "volumes" / "notes.qcow2").write_bytes(b"not ours")
    assert [facts.id for facts in await storage.volumes()] == [good]
    with pytest.raises(Failed) as caught:
        await storage.volume(bad)
    assert caught.value.code == "volume.damaged"
    with pytest.raises(AltusError):
        await storage.delete_image(image_id)  # the damaged one may need it
    await storage.delete_volume(bad)
    await storage.delete_image(image_id)


async def test_a_damaged_image_is_left_out_and_can_be_deleted(tmp_path: Path) -> None:
    storage, image_id = await opened(tmp_path / "r"), new_id()
    await import_file(storage, image_id, disk_bytes())
    (tmp_path / "r" / "images" / image_id / "disk.qcow2").unlink()
    assert await storage.images() == []
    with pytest.raises(Failed) as caught:
        await storage.image(image_id)
    assert caught.value.code == "image.damaged"
    await storage.delete_image(image_id)
    assert await storage.image(image_id) is None


async def test_thousands_of_volumes_are_listed_at_once(tmp_path: Path) -> None:
    storage, image_id, first = await opened(tmp_path / "r"), new_id(), new_id()
    await import_file(storage, image_id, disk_bytes())
    await storage.create_volume(first, GIB, image(image_id))
    for _ in range(1999):
        shutil.copyfile(storage.volume_source(first).path, storage.volume_source(new_id()).path)
    started = time.monotonic()
    found = await storage.volumes()
    took = time.monotonic() - started
    assert len(found) == 2000
    assert {facts.base for facts in found} == {image(image_id)}
    assert took < 5
