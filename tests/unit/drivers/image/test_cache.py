"""Images are built once, and whatever a dead build left is cleared away."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from altus.common.errors import Failed
from altus.drivers.image.cache import BuildCache, cache_key, sources_digest


class Maker:
    """Counts how often it is asked to build."""

    def __init__(self) -> None:
        self.built = 0

    async def __call__(self, image: Path, scratch: Path) -> None:
        self.built += 1
        await asyncio.sleep(0)
        (scratch / "rubbish").write_text("x")
        (image / "disk").write_text(f"disk {self.built}")
        (image / "cmdline").write_text("quiet")


async def _provide(folder: Path, key: str, maker: Maker, out: Path) -> bool:
    cache = BuildCache(folder)
    async with cache.locked():
        return await cache.provide(key, maker, out)


async def test_second_build_comes_from_the_cache(tmp_path: Path) -> None:
    maker = Maker()
    assert not await _provide(tmp_path / "c", "k", maker, tmp_path / "one")
    assert await _provide(tmp_path / "c", "k", maker, tmp_path / "two")
    assert maker.built == 1
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["cmdline", "disk"]
    assert (tmp_path / "two" / "disk").read_text() == "disk 1"


async def test_changing_what_was_handed_out_does_not_change_the_cache(tmp_path: Path) -> None:
    await _provide(tmp_path / "c", "k", Maker(), tmp_path / "one")
    (tmp_path / "one" / "disk").write_text("spoilt")
    await _provide(tmp_path / "c", "k", Maker(), tmp_path / "two")
    assert (tmp_path / "two" / "disk").read_text() == "disk 1"


async def test_image_of_older_packages_is_removed(tmp_path: Path) -> None:
    await _provide(tmp_path / "c", "old", Maker(), tmp_path / "one")
    await _provide(tmp_path / "c", "new", Maker(), tmp_path / "one")
    assert {path.name for path in (tmp_path / "c").iterdir()} == {"lock", "new"}


async def test_builds_at_the_same_time_build_once(tmp_path: Path) -> None:
    maker = Maker()
    await asyncio.gather(*(_provide(tmp_path / "c", "k", maker, tmp_path / str(i)) for i in range(3)))
    assert maker.built == 1
    assert all((tmp_path / str(i) / "disk").read_text() == "disk 1" for i in range(3))


async def test_failed_and_cancelled_builds_leave_nothing(tmp_path: Path) -> None:
    async def fail(image: Path, _: Path) -> None:
        (image / "disk").write_text("half")
        raise Failed("no", code="image.build_failed")

    async def hang(image: Path, _: Path) -> None:
        (image / "disk").write_text("half")
        await asyncio.Event().wait()

    cache = BuildCache(tmp_path / "c")
    async with cache.locked():
        with pytest.raises(Failed):
            await cache.provide("k", fail, tmp_path / "out")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(cache.provide("k", hang, tmp_path / "out"), 0.1)
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["lock"]
    assert not (tmp_path / "out").exists()


KILLED = """
import asyncio, sys
from pathlib import Path
from altus.drivers.image.cache import BuildCache

async def make(image, scratch):
    (image / "disk").write_text("half")
    print("building", flush=True)
    await asyncio.Event().wait()

async def main():
    cache = BuildCache(Path(sys.argv[1]))
    async with cache.locked():
        await cache.provide("k", make, Path(sys.argv[2]))

asyncio.run(main())
"""


async def test_build_waits_for_another_process_and_clears_up_when_it_is_killed(tmp_path: Path) -> None:
    other = subprocess.Popen(  # noqa: ASYNC220 (only its first line is waited for)
        [sys.executable, "-c", KILLED, str(tmp_path / "c"), str(tmp_path / "other")], stdout=subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"building\n"
        ours = asyncio.create_task(_provide(tmp_path / "c", "k", Maker(), tmp_path / "ours"))
        done, _ = await asyncio.wait([ours], timeout=0.3)
        assert not done
        assert (tmp_path / "c" / "work" / "image" / "disk").read_text() == "half"
        os.kill(other.pid, signal.SIGKILL)
        assert not await asyncio.wait_for(ours, 60)
    finally:
        other.kill()
        other.communicate()
    assert (tmp_path / "ours" / "disk").read_text() == "disk 1"
    assert not (tmp_path / "c" / "work").exists()


def test_key_changes_with_builder_and_packages() -> None:
    key = cache_key("digest", ["a_1", "b_1"])
    assert key == cache_key("digest", ["b_1", "a_1"])
    assert len({key, cache_key("other", ["a_1", "b_1"]), cache_key("digest", ["a_2", "b_1"])}) == 3


def test_digest_of_a_builder_changes_with_any_of_its_files(tmp_path: Path) -> None:
    folder = Path(sources_digest.__code__.co_filename).parent / "tiny"
    assert sources_digest(folder) == sources_digest(folder)
    assert sources_digest(folder) != sources_digest(folder.parent / "debian")
