"""The map of storage drivers."""

from __future__ import annotations

from pathlib import Path

import pytest

from altus.common.errors import InvalidInput, Unavailable
from altus.common.ids import new_id
from altus.drivers.storage.load import StorageOptions, open_storage
from altus.model.storage import StorageKind


@pytest.mark.parametrize("kind", list(StorageKind))
async def test_every_kind_of_the_model_has_a_driver(tmp_path: Path, kind: StorageKind) -> None:
    options = StorageOptions(storage_id=new_id(), path=tmp_path / "r", create=True, shared=True)
    storage = await open_storage(kind, options)
    assert (await storage.capabilities()).shared


async def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        await open_storage("tape", StorageOptions(storage_id=new_id(), path=tmp_path))
    assert caught.value.code == "storage.kind_unknown"


async def test_a_repository_is_made_only_when_asked(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await open_storage("directory", StorageOptions(storage_id=new_id(), path=tmp_path / "r"))
