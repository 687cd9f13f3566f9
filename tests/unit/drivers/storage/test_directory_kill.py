"""kill -9 at any instant: what is there is whole, nothing half is shown, and the same call completes the work.

Each operation runs in a forked child that kills itself at its n-th change of the file system (seen by Python's audit
hook), for every n until it gets through; the long ones are also killed after random times.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from altus.common.units import MIB
from altus.drivers.storage.directory.driver import DirectoryStorage
from altus.model.volume import VolumeBase
from tests.unit.drivers.storage.storage_kit import disk_bytes, image, import_file, opened, reads, volume, whole, write

IMAGE, IMPORTED, SOURCE, MADE, TIP = (f"0192f0c1-0000-7000-8000-0000000000{n:02}" for n in range(10, 15))
_CHANGES = {
    "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "fcntl.flock",
    "fcntl.ioctl", "subprocess.Popen", "shutil.rmtree", "shutil.copyfile",
}  # fmt: skip

Operation = Callable[[DirectoryStorage], Coroutine[Any, Any, object]]


@dataclass(frozen=True)
class Case:
    """An operation and what is there once it has been done: volume ids, image ids."""

    run: Operation
    volumes: set[str]
    images: set[str]


def creating(base: VolumeBase | None) -> Operation:
    return lambda storage: storage.create_volume(MADE, 64 * MIB, base)


_CASES = {
    "empty": Case(creating(None), {SOURCE, MADE}, {IMAGE}),
    "linked to image": Case(creating(image(IMAGE)), {SOURCE, MADE}, {IMAGE}),
    "copy of image": Case(creating(image(IMAGE, linked=False)), {SOURCE, MADE}, {IMAGE}),
    "linked to volume": Case(creating(volume(SOURCE)), {SOURCE, MADE}, {IMAGE}),
    "copy of volume": Case(creating(volume(SOURCE, linked=False)), {SOURCE, MADE}, {IMAGE}),
    "resize": Case(lambda storage: storage.resize_volume(SOURCE, 128 * MIB), {SOURCE}, {IMAGE}),
    "delete volume": Case(lambda storage: storage.delete_volume(SOURCE), set(), {IMAGE}),
    "import": Case(lambda storage: storage.import_image(IMPORTED), {SOURCE}, {IMAGE, IMPORTED}),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with an image, a linked volume with content of its own, and an upload."""
    folder = tmp_path_factory.mktemp("template") / "r"

    async def fill() -> None:
        storage = await opened(folder)
        await import_file(storage, IMAGE, disk_bytes())
        await storage.create_volume(SOURCE, 64 * MIB, image(IMAGE))
        write(storage.volume_source(SOURCE).path, 5, "1M", "1M")
        (storage.staging(IMPORTED) / "upload").write_bytes(disk_bytes(64 * MIB, 24 * MIB))

    asyncio.run(fill())
    return folder


def fresh(template: Path, place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(template, place)
    return place


def forked(place: Path, operation: Operation, steps: int | None) -> int:
    """Run the operation in a child that kills itself at its n-th change; the child's pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        asyncio.run(_child(place, operation, steps))
        code = 0
    finally:
        os._exit(code)


async def _child(place: Path, operation: Operation, steps: int | None) -> None:
    storage = await opened(place, create=False)
    left = steps

    def count(event: str, _: tuple[object, ...]) -> None:
        nonlocal left
        if left is not None and event in _CHANGES:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    await operation(storage)


def ended_well(pid: int) -> bool:
    """Wait for the child: it did its work, or was killed; nothing else."""
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.waitstatus_to_exitcode(status) == 0
    return True


async def cleared(place: Path) -> DirectoryStorage:
    """Open again: nothing temporary is left, as soon as no child that was forked when the kill came holds a lock."""
    deadline = time.monotonic() + 10
    while True:
        storage = await opened(place, create=False)
        left = list((place / "work").iterdir())
        if not left:
            return storage
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.01)


async def repaired(place: Path, case: Case) -> None:
    """Open again: clean and whole; repeat: done."""
    storage = await cleared(place)
    for facts in await storage.volumes():
        assert whole(Path(storage.volume_source(facts.id).path))
    for found in await storage.images():
        assert whole(place / "images" / found.id / "disk.qcow2")
    if await storage.volume(SOURCE):
        assert reads(storage.volume_source(SOURCE).path, 5, "1M", "1M")
    await case.run(storage)
    assert {facts.id for facts in await storage.volumes()} == case.volumes
    assert {facts.id for facts in await storage.images()} == case.images
    assert list((place / "work").iterdir()) == []
    made = await storage.volume(MADE)
    if made and made.base and made.base.id == SOURCE:
        assert reads(storage.volume_source(MADE).path, 5, "1M", "1M")
    await deleted(storage, place)


async def deleted(storage: DirectoryStorage, place: Path) -> None:
    """Nothing keeps anything alive that is not there."""
    for facts in await storage.volumes():
        await storage.delete_volume(facts.id)
    for found in await storage.images():
        await storage.delete_image(found.id)
    left = {path.name for folder in ("volumes", "layers", "images") for path in (place / folder).iterdir()}
    assert left == set()


@pytest.mark.parametrize("name", _CASES)
def test_killed_at_every_change(template: Path, tmp_path: Path, name: str) -> None:
    case, steps = _CASES[name], 0
    while not ended_well(forked(fresh(template, tmp_path / "r"), case.run, steps)):
        asyncio.run(repaired(tmp_path / "r", case))
        steps += 1
    assert steps
    asyncio.run(repaired(tmp_path / "r", case))


def test_an_image_deletion_killed_at_every_change(template: Path, tmp_path: Path) -> None:
    async def delete(storage: DirectoryStorage) -> None:
        await storage.delete_volume(SOURCE)
        await storage.delete_image(IMAGE)
        await storage.delete_image(IMPORTED)

    steps = 0
    while not ended_well(forked(fresh(template, tmp_path / "r"), delete, steps)):
        asyncio.run(repaired(tmp_path / "r", Case(delete, set(), set())))
        steps += 1
    assert steps >= 5


@pytest.mark.parametrize("name", ["import", "copy of volume", "linked to volume"])
def test_killed_at_random_times(template: Path, tmp_path: Path, name: str) -> None:
    case, chance = _CASES[name], random.Random(name)  # noqa: S311  chooses moments
    killed = 0
    for _ in range(15):
        pid = forked(fresh(template, tmp_path / "r"), case.run, None)
        time.sleep(chance.uniform(0.0, 0.4))  # the moment itself is what is tried
        os.kill(pid, signal.SIGKILL)
        killed += not ended_well(pid)
        asyncio.run(repaired(tmp_path / "r", case))
    assert killed


def test_a_clone_repeated_after_a_kill_adds_no_second_layer(template: Path, tmp_path: Path) -> None:
    case, steps, most = _CASES["linked to volume"], 0, 0

    async def repeat(place: Path) -> int:
        storage = await opened(place, create=False)
        await case.run(storage)
        return len(list((place / "layers").iterdir()))

    while not ended_well(forked(fresh(template, tmp_path / "r"), case.run, steps)):
        most = max(most, asyncio.run(repeat(tmp_path / "r")))
        steps += 1
    assert most == 1


def test_an_operation_of_a_living_process_is_not_swept_away(template: Path, tmp_path: Path) -> None:
    place = fresh(template, tmp_path / "r")

    async def both() -> None:
        first = await opened(place, create=False)
        begun = asyncio.Event()
        importing = asyncio.create_task(first.import_image(IMPORTED, lambda _: begun.set()))
        await begun.wait()
        assert list((place / "work").iterdir())
        await opened(place, create=False)
        assert (await importing).size == 64 * MIB

    asyncio.run(both())
