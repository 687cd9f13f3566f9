"""What a guest reads after freezes, reverts, drops and merges in any order, and after a kill in any of them."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from altus.common.errors import Conflict
from altus.common.ids import new_id
from altus.common.units import KIB, MIB
from altus.drivers.storage.directory.driver import DirectoryStorage
from altus.drivers.storage.directory.files import wait_closed
from altus.drivers.storage.qemu_img import QemuImg
from altus.drivers.storage.threads import in_thread
from tests.unit.drivers.storage.storage_kit import (
    disk_bytes,
    image,
    import_file,
    opened,
    reads,
    same_content,
    volume,
    whole,
    write,
)
from tests.unit.drivers.storage.test_directory_kill import ended_well, forked, fresh

VOLUME, FIRST, SECOND, THIRD, IMAGE = (f"0192f0c1-0000-7000-8000-0000000000{n}" for n in range(20, 25))
_BLOCK, _BLOCKS = 64 * KIB, 32


@dataclass
class Model:
    """What should be read: a pattern for each block, of the volume and of each layer."""

    path: str
    now: list[int] = field(default_factory=lambda: [0] * _BLOCKS)
    layers: dict[str, list[int]] = field(default_factory=dict)

    def write(self, block: int, pattern: int) -> None:
        write(self.path, pattern, str(block * _BLOCK), str(_BLOCK))
        self.now[block] = pattern

    def require(self) -> None:
        """The volume reads as it should."""
        commands = [f"read -P {pattern} {block * _BLOCK} {_BLOCK}" for block, pattern in enumerate(self.now)]
        command = ["qemu-io", "-r", "-f", "qcow2", *(word for one in commands for word in ("-c", one)), self.path]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert "verification failed" not in done.stdout + done.stderr, self.now


@pytest.mark.parametrize("seed", range(3))
async def test_a_hundred_random_operations_come_to_what_a_model_says(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  chooses what is tried
    storage = await opened(tmp_path / "r")
    await storage.create_volume(VOLUME, _BLOCK * _BLOCKS)
    model = Model(storage.volume_source(VOLUME).path)
    for number in range(1, 101):
        model.write(chance.randrange(_BLOCKS), number)
        what = chance.choice(["create", "create", "revert", "delete"])
        if what == "create" and len(model.layers) < 8:
            layer = new_id()
            await storage.layers.freeze(VOLUME, layer)
            model.layers[layer] = list(model.now)
        elif what == "revert" and model.layers:
            layer, former = chance.choice(sorted(model.layers)), new_id()
            await storage.layers.freeze(VOLUME, former, layer)
            await storage.layers.drop(VOLUME, former)
            model.now = list(model.layers[layer])
        elif what == "delete" and model.layers:
            layer = chance.choice(sorted(model.layers))
            del model.layers[layer]
            await storage.layers.drop(VOLUME, layer)
            await storage.layers.merge(VOLUME)
        model.require()
        assert {one.id for one in await storage.layers.all()} == set(model.layers)
    for layer, content in model.layers.items():
        await storage.layers.freeze(VOLUME, new_id(), layer)
        model.now = content
        model.require()
        assert whole(Path(model.path))
    for one in await storage.layers.all():
        await storage.layers.drop(VOLUME, one.id)
        await storage.layers.merge(VOLUME)
    model.require()
    assert list((tmp_path / "r" / "layers").iterdir()) == []
    assert list((tmp_path / "r" / "pins").iterdir()) == []


async def test_a_clone_and_a_snapshot_share_a_layer(tmp_path: Path) -> None:
    storage, clone = await opened(tmp_path / "r"), new_id()
    await import_file(storage, IMAGE, disk_bytes())
    await storage.create_volume(VOLUME, 16 * MIB, image(IMAGE))
    write(storage.volume_source(VOLUME).path, 1, "1M", "1M")
    await storage.layers.freeze(VOLUME, FIRST)
    await storage.create_volume(clone, 16 * MIB, volume(VOLUME))
    assert len(list((tmp_path / "r" / "layers").iterdir())) == 1
    write(storage.volume_source(VOLUME).path, 2, "1M", "1M")
    await storage.layers.drop(VOLUME, FIRST)
    await storage.layers.merge(VOLUME)
    assert len(list((tmp_path / "r" / "layers").iterdir())) == 1, "the clone needs it"
    assert reads(storage.volume_source(clone).path, 1, "1M", "1M")
    await storage.delete_volume(clone)
    await storage.layers.merge(VOLUME)
    assert list((tmp_path / "r" / "layers").iterdir()) == []
    assert reads(storage.volume_source(VOLUME).path, 2, "1M", "1M")


async def test_a_merge_leaves_alone_what_belongs_to_another_volume(tmp_path: Path) -> None:
    storage, clone = await opened(tmp_path / "r"), new_id()
    await storage.create_volume(VOLUME, 16 * MIB)
    write(storage.volume_source(VOLUME).path, 1, "1M", "1M")
    await storage.layers.freeze(VOLUME, FIRST)
    await storage.create_volume(clone, 16 * MIB, volume(VOLUME))
    await storage.layers.freeze(clone, SECOND)
    await storage.layers.freeze(VOLUME, THIRD)
    for layer in (FIRST, THIRD):
        await storage.layers.drop(VOLUME, layer)
    await storage.layers.merge(VOLUME)
    await storage.delete_volume(VOLUME)
    await storage.layers.merge(VOLUME)
    assert reads(storage.volume_source(clone).path, 1, "1M", "1M")
    assert [one.id for one in await storage.layers.all()] == [SECOND]


async def test_layers_that_are_frozen_while_a_vm_runs_are_refused(tmp_path: Path) -> None:
    storage = await opened(tmp_path / "r")
    await storage.create_volume(VOLUME, 16 * MIB)
    await storage.layers.freeze(VOLUME, FIRST)
    await storage.layers.drop(VOLUME, FIRST)
    path = storage.volume_source(VOLUME).path
    guest = await asyncio.create_subprocess_exec("qemu-io", "-f", "qcow2", path, stdin=asyncio.subprocess.PIPE,
                                                 stdout=asyncio.subprocess.PIPE)  # fmt: skip
    assert guest.stdin is not None
    assert guest.stdout is not None
    await guest.stdout.readexactly(len("qemu-io> "))  # it has the disk open
    for call in (storage.layers.freeze(VOLUME, SECOND), storage.layers.merge(VOLUME)):
        with pytest.raises(Conflict) as caught:
            await call
        assert caught.value.code == "volume.busy"
    guest.stdin.close()
    assert await guest.wait() == 0
    await storage.layers.merge(VOLUME)
    assert list((tmp_path / "r" / "layers").iterdir()) == []


async def test_a_live_freeze_taken_back_keeps_what_was_written_since(tmp_path: Path) -> None:
    storage = await opened(tmp_path / "r")
    await storage.create_volume(VOLUME, 16 * MIB)
    path = storage.volume_source(VOLUME).path
    write(path, 1, "1M", "1M")
    await storage.layers.freeze(VOLUME, FIRST, live=True)
    write(path, 2, "2M", "1M")
    facts = await storage.layers.thaw(VOLUME, FIRST, live=True)
    assert facts.layer == ""
    assert await storage.layers.all() == []
    assert reads(path, 1, "1M", "1M")
    assert reads(path, 2, "2M", "1M")
    await storage.layers.merge(VOLUME)
    assert list((tmp_path / "r" / "layers").iterdir()) == []
    assert reads(path, 1, "1M", "1M")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FIRST ─ SECOND ─ the volume, each with a mebibyte of its own; FIRST is dropped, and not merged yet."""
    folder = tmp_path_factory.mktemp("template") / "r"

    async def fill() -> None:
        storage = await opened(folder)
        await import_file(storage, IMAGE, disk_bytes())
        await storage.create_volume(VOLUME, 16 * MIB, image(IMAGE))
        for number, layer in enumerate((FIRST, SECOND, ""), 1):
            write(storage.volume_source(VOLUME).path, number, f"{number}M", "1M")
            if layer:
                await storage.layers.freeze(VOLUME, layer)
        await storage.layers.drop(VOLUME, FIRST)

    asyncio.run(fill())
    return folder


async def _merge_all(storage: DirectoryStorage) -> None:
    await storage.layers.merge(VOLUME)
    await storage.layers.drop(VOLUME, SECOND)
    await storage.layers.merge(VOLUME)


async def _freeze(storage: DirectoryStorage) -> None:
    await storage.layers.freeze(VOLUME, THIRD)


async def _thaw(storage: DirectoryStorage) -> None:
    await storage.layers.freeze(VOLUME, THIRD)
    await storage.layers.thaw(VOLUME, THIRD)


async def _revert(storage: DirectoryStorage) -> None:
    await storage.layers.freeze(VOLUME, THIRD, SECOND)
    await storage.layers.drop(VOLUME, THIRD)


OPERATIONS = {"merge": (_merge_all, set()), "freeze": (_freeze, {SECOND, THIRD}), "thaw": (_thaw, {SECOND})}


async def _holds(place: Path, original: Path) -> DirectoryStorage:
    """What the volume held is read from it, though it is opened in the midst: as soon as no child that was forked when
    the kill came has it open. Clusters that a killed merge had not used yet do no harm."""
    storage = await opened(place, create=False)
    path = Path(storage.volume_source(VOLUME).path)
    await in_thread(wait_closed, path)
    assert await QemuImg().check(path, "qcow2")
    assert same_content(original / "volumes" / f"{VOLUME}.qcow2", "qcow2", path)
    return storage


@pytest.mark.parametrize("name", OPERATIONS)
def test_killed_at_every_change(template: Path, tmp_path: Path, name: str) -> None:
    (operation, layers), steps = OPERATIONS[name], 0

    async def repeated() -> None:
        storage = await _holds(tmp_path / "r", template)
        await operation(storage)
        await _holds(tmp_path / "r", template)
        assert {one.id for one in await storage.layers.all()} == layers
        assert name != "merge" or list((tmp_path / "r" / "layers").iterdir()) == []

    while not ended_well(forked(fresh(template, tmp_path / "r"), operation, steps)):
        asyncio.run(repeated())
        steps += 1
    assert steps >= 5
    asyncio.run(repeated())


def test_a_merge_killed_at_random_times_goes_on(template: Path, tmp_path: Path) -> None:
    chance, killed = random.Random("merge"), 0  # noqa: S311  chooses moments

    async def repeated() -> None:
        storage = await _holds(tmp_path / "r", template)
        await _merge_all(storage)
        await _holds(tmp_path / "r", template)
        assert list((tmp_path / "r" / "layers").iterdir()) == []

    for _ in range(15):
        pid = forked(fresh(template, tmp_path / "r"), _merge_all, None)
        time.sleep(chance.uniform(0.0, 0.3))  # the moment itself is what is tried
        os.kill(pid, signal.SIGKILL)
        killed += not ended_well(pid)
        asyncio.run(repeated())
    assert killed


def test_a_revert_killed_at_every_change_is_done_or_can_be_taken_back(template: Path, tmp_path: Path) -> None:
    steps = 0

    async def taken_back() -> None:
        storage = await opened(tmp_path / "r", create=False)
        kept = {one.id for one in await storage.layers.all()}
        if THIRD in kept:
            await storage.layers.thaw(VOLUME, THIRD)
        if await is_reverted(storage):
            assert THIRD not in kept
            return
        await _holds(tmp_path / "r", template)
        await _revert(storage)
        assert await is_reverted(storage)

    async def is_reverted(storage: DirectoryStorage) -> bool:
        path = storage.volume_source(VOLUME).path
        assert reads(path, 2, "2M", "1M")
        return not same_content(template / "volumes" / f"{VOLUME}.qcow2", "qcow2", Path(path))

    while not ended_well(forked(fresh(template, tmp_path / "r"), _revert, steps)):
        asyncio.run(taken_back())
        steps += 1
    assert steps >= 5
