"""What lasts: events, uploads, consoles."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from altus.common.errors import Conflict, InvalidInput, NotFound, Unavailable
from altus.sdk.client import AltusClient
from altus.wire.consoles import ConsoleKind
from altus.wire.resources import ImageCreate
from tests.unit.sdk.fake_manager import FakeManager, drop, nothing


async def _first(altus: AltusClient, count: int, after: int | None = None) -> list[int]:
    seqs: list[int] = []
    async with aclosing(altus.events.follow(after, ["vm"])) as events:
        async for event in events:
            seqs.append(event.seq)
            if len(seqs) == count:
                break
    return seqs


async def _cut_off(manager: FakeManager) -> None:
    """Until the faults have happened."""
    while manager.faults:
        await asyncio.sleep(0.01)


async def test_events_come_in_order_and_only_of_the_nouns_asked_for(altus: AltusClient, manager: FakeManager) -> None:
    for number in range(6):
        manager.emit("x", "vm" if number % 2 else "task", "1")
    assert await _first(altus, 3, after=0) == [2, 4, 6]


async def test_events_go_on_after_a_lost_connection_without_loss_or_repetition(
    altus: AltusClient, manager: FakeManager
) -> None:
    for _ in range(3):
        manager.emit("x", "vm", "1")
    seqs: list[int] = []
    async with aclosing(altus.events.follow(0, ["vm"])) as events:
        async for event in events:
            seqs.append(event.seq)
            if event.seq == 3:
                manager.faults.append(drop)
                await _cut_off(manager)
                manager.emit("x", "vm", "1")
                manager.emit("x", "vm", "1")
            if event.seq == 5:
                break
    assert seqs == [1, 2, 3, 4, 5]


async def test_events_resume_where_nothing_was_seen_yet(altus: AltusClient, manager: FakeManager) -> None:
    """From now on means from when it was first asked, even if the connection breaks at once."""
    manager.emit("x", "vm", "1")
    manager.faults.extend([nothing, drop])
    events = altus.events.follow(None, ["vm"])

    async def cut_and_happen() -> None:
        await _cut_off(manager)
        manager.emit("x", "vm", "1")

    happening = asyncio.create_task(cut_and_happen())
    async with aclosing(events):
        assert (await anext(events)).seq == 2
    await happening


async def _upload(altus: AltusClient, file: Path) -> list[tuple[int, int]]:
    image = await altus.images.begin(ImageCreate(name="iso"))
    told: list[tuple[int, int]] = []
    await altus.images.upload(image.id, file, lambda sent, size: told.append((sent, size)))
    return told


async def test_upload_sends_the_file_and_tells_how_far_it_is(
    altus: AltusClient, manager: FakeManager, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 10_000
    (tmp_path / "disk").write_bytes(content)
    told = await _upload(altus, tmp_path / "disk")
    assert list(manager.uploads.values()) == [content]
    assert (told[0], told[-1]) == ((0, len(content)), (len(content), len(content)))


async def test_upload_goes_on_from_what_arrived(altus: AltusClient, manager: FakeManager, tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    (tmp_path / "disk").write_bytes(content)
    manager.faults.extend([nothing, nothing, nothing, drop])
    await _upload(altus, tmp_path / "disk")
    assert list(manager.uploads.values()) == [content]
    offsets = [dict(one.query)["offset"] for one in manager.seen if one.method == "PUT"]
    assert len(offsets) == 2
    assert offsets[0] == "0"
    assert int(offsets[1]) > 0


async def test_upload_of_another_file_than_before_is_refused(
    altus: AltusClient, manager: FakeManager, tmp_path: Path
) -> None:
    (tmp_path / "disk").write_bytes(b"short")
    image = await altus.images.begin(ImageCreate(name="iso"))
    manager.uploads[image.id] = b"something longer"
    with pytest.raises(Conflict) as caught:
        await altus.images.upload(image.id, tmp_path / "disk")
    assert caught.value.code == "upload.differs"


async def test_upload_of_a_file_that_is_not_there_is_refused(altus: AltusClient, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        await altus.images.upload("iso", tmp_path / "none")


async def test_console_carries_bytes_both_ways_until_it_ends(altus: AltusClient, manager: FakeManager) -> None:
    manager.add_vm("web1")
    received = b""
    async with altus.consoles.open("web1", ConsoleKind.SERIAL) as console:
        await console.send(b"root\n")
        await console.send(b"bye\n")
        async for data in console:
            received += data
    assert received == b"login: ROOT\nBYE\n"
    assert manager.typed == b"root\nbye\n"


async def test_console_of_no_vm_is_refused(altus: AltusClient) -> None:
    with pytest.raises(NotFound):
        async with altus.consoles.open("none"):
            pass


async def test_ended_console_takes_nothing_more(altus: AltusClient, manager: FakeManager) -> None:
    manager.add_vm("web1")
    async with altus.consoles.open("web1") as console:
        await console.send(b"bye")
        assert b"".join([data async for data in console]) == b"login: BYE"
        with pytest.raises(Unavailable):
            await console.send(b"more")
