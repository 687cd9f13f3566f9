"""A merge into a volume whose qemu-img is killed before any of its writes: in the file the copies come first, then what
says where they are, then the name of what the volume stands on."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from altus.common.errors import Failed
from altus.common.units import KIB, MIB
from altus.drivers.storage.directory.driver import DirectoryStorage
from altus.drivers.storage.qemu_img import QemuImg
from tests.unit.drivers.storage.storage_kit import opened, same_content, write
from tests.unit.drivers.storage.test_directory_kill import fresh

VOLUME, LAYER = (f"0192f0c1-0000-7000-8000-0000000000{n}" for n in range(30, 32))
_KILLER = Path(__file__).with_name("killer.c")


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that kills the program before the write to a volume, or the flush of one, whose number it is told."""
    made = tmp_path_factory.mktemp("killer") / "killer.so"
    subprocess.run(["gcc", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(made), str(_KILLER), "-ldl"], check=True)
    return made


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A volume on a layer that nobody keeps, which has pieces that the volume does not have."""
    folder = tmp_path_factory.mktemp("template") / "r"

    async def fill() -> None:
        storage = await opened(folder)
        await storage.create_volume(VOLUME, 16 * MIB)
        path = storage.volume_source(VOLUME).path
        write(path, 1, "1M", "2M")
        for piece in range(4):
            write(path, 2 + piece, f"{(8 + piece) * MIB}", f"{64 * KIB}")
        await storage.layers.freeze(VOLUME, LAYER)
        write(path, 9, "2M", "2M")
        await storage.layers.drop(VOLUME, LAYER)

    asyncio.run(fill())
    return folder


async def _merged(storage: DirectoryStorage) -> bool:
    """Whether the merge was not killed."""
    try:
        await storage.layers.merge(VOLUME)
    except Failed as error:
        if "signal 9" not in error.message:
            raise
        return False
    return True


async def test_killed_before_any_write_a_merge_has_lost_nothing_and_goes_on(
    killer: Path, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, writes = False, 0
    while not done:
        place = fresh(template, tmp_path / "r")
        with monkeypatch.context() as set_to:
            set_to.setenv("LD_PRELOAD", str(killer))
            set_to.setenv("KILLED_BEFORE", str(writes))
            done = await _merged(await opened(place, create=False))
        for _ in range(2):  # what is there after the kill, then after the repetition
            storage = await opened(place, create=False)
            path = Path(storage.volume_source(VOLUME).path)
            assert await QemuImg().check(path, "qcow2"), writes
            assert same_content(template / "volumes" / path.name, "qcow2", path), writes
            assert await _merged(storage)
        assert list((place / "layers").iterdir()) == []
        writes += 1
    assert writes > 5
