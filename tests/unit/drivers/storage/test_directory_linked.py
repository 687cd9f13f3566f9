"""Linked clones of volumes: contents stay apart, and layers go when nobody needs them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from altus.common.errors import Conflict, Failed
from altus.common.ids import new_id
from altus.common.units import GIB, MIB
from altus.drivers.storage.directory import linked
from altus.drivers.storage.directory.driver import DirectoryStorage
from tests.unit.drivers.storage.storage_kit import (
    disk_bytes,
    image,
    import_file,
    opened,
    qemu_img,
    reads,
    same_content,
    volume,
    whole,
    write,
)


@asynccontextmanager
async def held_open(path: str) -> AsyncIterator[None]:
    """A QEMU tool that has the disk open for writing, as a running VM has."""
    child = await asyncio.create_subprocess_exec(
        "qemu-io", "-f", "qcow2", path, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    await child.stdout.readuntil(b"qemu-io>")
    try:
        yield
    finally:
        child.kill()
        await child.communicate()


@pytest.fixture
async def storage(tmp_path: Path) -> DirectoryStorage:
    return await opened(tmp_path / "r")


def layers(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "r" / "layers").iterdir())


async def test_source_and_clone_are_written_apart(storage: DirectoryStorage, tmp_path: Path) -> None:
    source, clone = new_id(), new_id()
    before = await storage.create_volume(source, GIB)
    source_path, clone_path = storage.volume_source(source).path, storage.volume_source(clone).path
    write(source_path, 1, "0", "1M")
    await storage.create_volume(clone, 2 * GIB, volume(source))
    write(source_path, 2, "0", "512k")
    write(clone_path, 3, "512k", "512k")
    assert reads(source_path, 2, "0", "512k")
    assert reads(source_path, 1, "512k", "512k")
    assert reads(clone_path, 1, "0", "512k")
    assert reads(clone_path, 3, "512k", "512k")
    after = await storage.volume(source)
    assert after is not None
    assert (after.size, after.base) == (before.size, before.base)
    assert layers(tmp_path) == [f"{clone}.0.qcow2"]
    assert (tmp_path / "r" / "layers" / f"{clone}.0.qcow2").stat().st_mode & 0o777 == 0o444
    assert (tmp_path / "r" / "volumes" / f"{source}.qcow2").stat().st_mode & 0o777 == 0o600


async def test_clones_of_an_unused_template_share_one_layer(storage: DirectoryStorage, tmp_path: Path) -> None:
    source, clones = new_id(), [new_id() for _ in range(3)]
    await storage.create_volume(source, GIB)
    write(storage.volume_source(source).path, 1, "0", "1M")
    for clone in clones:
        await storage.create_volume(clone, GIB, volume(source))
    assert layers(tmp_path) == [f"{clones[0]}.0.qcow2"]
    assert all(reads(storage.volume_source(clone).path, 1, "0", "1M") for clone in clones)
    for gone in (clones[0], source, clones[1]):
        await storage.delete_volume(gone)
        assert len(layers(tmp_path)) == 1
    assert reads(storage.volume_source(clones[2]).path, 1, "0", "1M")
    await storage.delete_volume(clones[2])
    assert layers(tmp_path) == []


async def test_an_untouched_volume_lends_its_own_base(storage: DirectoryStorage, tmp_path: Path) -> None:
    image_id, source, clone = new_id(), new_id(), new_id()
    await import_file(storage, image_id, disk_bytes())
    await storage.create_volume(source, GIB, image(image_id))
    await storage.create_volume(clone, GIB, volume(source))
    assert layers(tmp_path) == []
    disk = tmp_path / "r" / "images" / image_id / "disk.qcow2"
    assert same_content(disk, "qcow2", Path(storage.volume_source(clone).path))


async def test_a_clone_of_a_clone_of_a_clone(storage: DirectoryStorage, tmp_path: Path) -> None:
    names = [new_id() for _ in range(5)]
    await storage.create_volume(names[0], GIB)
    for number, (source, clone) in enumerate(itertools.pairwise(names)):
        write(storage.volume_source(source).path, number + 1, f"{number}M", "1M")
        await storage.create_volume(clone, GIB, volume(source))
    last = storage.volume_source(names[-1]).path
    assert all(reads(last, number + 1, f"{number}M", "1M") for number in range(4))
    assert len(layers(tmp_path)) == 4
    copied = new_id()
    await storage.create_volume(copied, GIB, volume(names[-1], linked=False))
    for name in names:
        await storage.delete_volume(name)
    assert layers(tmp_path) == []
    assert all(reads(storage.volume_source(copied).path, number + 1, f"{number}M", "1M") for number in range(4))


async def test_too_long_a_chain_is_refused(storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linked, "MAX_LAYERS", 1)
    source = new_id()
    await storage.create_volume(source, GIB)
    write(storage.volume_source(source).path, 1, "0", "1M")
    await storage.create_volume(new_id(), GIB, volume(source))
    write(storage.volume_source(source).path, 2, "0", "1M")
    with pytest.raises(Conflict) as caught:
        await storage.create_volume(new_id(), GIB, volume(source))
    assert caught.value.code == "volume.chain_too_long"


async def test_without_hard_links_a_volume_cannot_be_linked_but_copied(
    storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", no_link)
    source = new_id()
    await storage.create_volume(source, GIB)
    write(storage.volume_source(source).path, 1, "0", "1M")
    with pytest.raises(Failed) as caught:
        await storage.create_volume(new_id(), GIB, volume(source))
    assert caught.value.code == "volume.linked_from_volume"
    assert reads(storage.volume_source(source).path, 1, "0", "1M")
    await storage.create_volume(new_id(), GIB, volume(source, linked=False))


async def test_what_a_vm_has_open_is_left_alone(storage: DirectoryStorage) -> None:
    source = new_id()
    await storage.create_volume(source, GIB)
    async with held_open(storage.volume_source(source).path):
        for linked_clone in (True, False):
            with pytest.raises(Conflict) as caught:
                await storage.create_volume(new_id(), GIB, volume(source, linked=linked_clone))
            assert caught.value.code == "volume.busy"
        with pytest.raises(Conflict) as caught:
            await storage.resize_volume(source, 2 * GIB)
        assert caught.value.code == "volume.busy"
        with pytest.raises(Conflict) as caught:
            await storage.delete_volume(source)
        assert caught.value.code == "volume.in_use"
    await storage.delete_volume(source)


async def test_a_copy_leaves_snapshots_behind(storage: DirectoryStorage) -> None:
    source, clone = new_id(), new_id()
    await storage.create_volume(source, GIB)
    write(storage.volume_source(source).path, 1, "0", "1M")
    qemu_img("snapshot", "-c", "before", storage.volume_source(source).path)
    await storage.create_volume(clone, GIB, volume(source, linked=False))
    assert "before" not in qemu_img("snapshot", "-l", storage.volume_source(clone).path)
    assert reads(storage.volume_source(clone).path, 1, "0", "1M")


async def test_a_chain_that_leads_out_of_the_repository_is_not_followed(
    storage: DirectoryStorage, tmp_path: Path
) -> None:
    """A QEMU that its guest took over may write any name into its own volume."""
    (tmp_path / "secret").write_bytes(b"S" * MIB)
    source = new_id()
    await storage.create_volume(source, GIB)
    qemu_img("rebase", "-u", "-f", "qcow2", "-b", tmp_path / "secret", "-F", "raw", storage.volume_source(source).path)
    for linked_clone in (True, False):
        with pytest.raises(Failed) as caught:
            await storage.create_volume(new_id(), GIB, volume(source, linked=linked_clone))
        assert caught.value.code == "volume.damaged"
    await storage.delete_volume(source)


async def test_a_moved_repository_works(storage: DirectoryStorage, tmp_path: Path) -> None:
    image_id, linked_id, clone = new_id(), new_id(), new_id()
    await import_file(storage, image_id, disk_bytes())
    await storage.create_volume(linked_id, GIB, image(image_id))
    write(storage.volume_source(linked_id).path, 1, "1M", "1M")
    await storage.create_volume(clone, GIB, volume(linked_id))
    (tmp_path / "r").rename(tmp_path / "moved")
    moved = await opened(tmp_path / "moved", create=False)
    for volume_id in (linked_id, clone):
        path = moved.volume_source(volume_id).path
        assert reads(path, 1, "1M", "1M")
        assert whole(Path(path))


async def test_a_cancelled_copy_leaves_nothing(storage: DirectoryStorage, tmp_path: Path) -> None:
    image_id, volume_id = new_id(), new_id()
    await import_file(storage, image_id, disk_bytes(256 * MIB, 200 * MIB))
    begun = asyncio.Event()
    copy = asyncio.create_task(
        storage.create_volume(volume_id, GIB, image(image_id, linked=False), lambda _: begun.set())
    )
    await begun.wait()
    copy.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await copy
    assert copy.cancelled()
    assert await storage.volume(volume_id) is None
    assert list((tmp_path / "r" / "work").iterdir()) == []
