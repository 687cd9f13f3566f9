"""Builders with the real tools: what they hand out, how fast the second time, and what a stopped one leaves."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from pathlib import Path

import pytest

from altus.drivers.image.cache import DEFAULT_CACHE
from altus.drivers.image.fake import SIZE, FakeBuilder
from altus.drivers.image.load import builder
from altus.drivers.image.tiny.builder import DISK_SIZE

pytestmark = pytest.mark.functional


async def _qemu_img(*args: str | Path) -> str:
    process = await asyncio.create_subprocess_exec("qemu-img", *map(str, args), stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_disks_are_sound_qcow2_without_backing_file(tiny: Path, tmp_path: Path) -> None:
    await FakeBuilder("tiny").build(tmp_path, lambda _share, _what: None)
    for folder, size in ((tiny, DISK_SIZE), (tmp_path, SIZE)):
        facts = json.loads(await _qemu_img("info", "--output=json", folder / "disk"))
        assert (facts["format"], facts["virtual-size"]) == ("qcow2", size)
        assert "backing-filename" not in facts
        await _qemu_img("check", "-q", folder / "disk")


async def test_second_build_takes_no_time(tiny: Path, tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    start = time.monotonic()
    await builder("tiny").build(tmp_path, lambda share, what: told.append((share, what)))
    assert time.monotonic() - start < 1
    assert told[-1] == (1.0, "done")
    assert set(_files(tmp_path)) == {"cmdline", "disk", "initrd", "kernel"}
    assert _files(tmp_path) == _files(tiny)


async def test_stopped_build_leaves_nothing_and_the_next_one_succeeds(tiny: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(DEFAULT_CACHE / "tiny" / "packages", cache / "tiny" / "packages")  # a test machine has no network
    told: list[float] = []
    started = asyncio.Event()

    def tell(share: float, what: str) -> None:
        told.append(share)
        if what == "unpacking packages":
            started.set()

    stopped = asyncio.create_task(builder("tiny", cache=cache).build(tmp_path / "out", tell))
    await started.wait()
    stopped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopped
    assert not (cache / "tiny" / "work").exists()
    assert not (tmp_path / "out").exists()

    told.clear()
    await builder("tiny", cache=cache).build(tmp_path / "out", tell)
    assert told == sorted(told)
    built, before = _files(tmp_path / "out"), _files(tiny)
    for name in ("kernel", "initrd", "cmdline"):  # the file system on the disk holds the time of its making
        assert built[name] == before[name]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
