"""The fake repository: survives its process, is fast, and fails when told to."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from altus.common.errors import Failed
from altus.common.ids import new_id
from altus.common.units import GIB, MIB
from altus.drivers.storage.fake import FakeStorage
from tests.unit.drivers.storage.storage_kit import image


async def test_the_next_call_fails_once_and_changes_nothing(tmp_path: Path) -> None:
    storage = await FakeStorage.open(tmp_path)
    storage.fail_next("create_volume", Failed("no", code="test.no"))
    with pytest.raises(Failed) as caught:
        await storage.create_volume(new_id(), GIB)
    assert caught.value.code == "test.no"
    assert await storage.volumes() == []
    await storage.create_volume(new_id(), GIB)


async def test_half_a_line_at_the_end_did_not_happen(tmp_path: Path) -> None:
    storage, kept = await FakeStorage.open(tmp_path), new_id()
    await storage.create_volume(kept, GIB)
    journal = tmp_path / "fake-storage.jsonl"
    with journal.open("ab") as file:
        file.write(b'{"volume": "0192')
    again = await FakeStorage.open(tmp_path)
    assert [facts.id for facts in await again.volumes()] == [kept]
    await again.create_volume(new_id(), GIB)
    assert len(await (await FakeStorage.open(tmp_path)).volumes()) == 2


async def test_the_journal_does_not_grow_for_ever(tmp_path: Path) -> None:
    storage, kept = await FakeStorage.open(tmp_path), new_id()
    await storage.create_volume(kept, GIB)
    for _ in range(1000):
        volume_id = new_id()
        await storage.create_volume(volume_id, GIB)
        await storage.delete_volume(volume_id)
    before = (tmp_path / "fake-storage.jsonl").stat().st_size
    again = await FakeStorage.open(tmp_path)
    assert (tmp_path / "fake-storage.jsonl").stat().st_size < before / 100
    assert [facts.id for facts in await again.volumes()] == [kept]


async def test_thousands_of_volumes_cost_little(tmp_path: Path) -> None:
    storage, image_id = await FakeStorage.open(tmp_path), new_id()
    (storage.staging(image_id) / "upload").write_bytes(bytes(MIB))
    await storage.import_image(image_id)
    started = time.monotonic()
    for _ in range(5000):
        await storage.create_volume(new_id(), GIB, image(image_id))
    assert time.monotonic() - started < 20, "250 a second at the least"
    assert len(await (await FakeStorage.open(tmp_path)).volumes()) == 5000


async def test_without_a_folder_it_still_has_staging() -> None:
    storage, image_id = await FakeStorage.open(), new_id()
    (storage.staging(image_id) / "upload").write_bytes(bytes(MIB))
    assert (await storage.import_image(image_id)).size == MIB
