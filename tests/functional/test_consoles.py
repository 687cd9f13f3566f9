"""Consoles, pictures and events of real guests, through the SDK as any client would."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import zlib
from contextlib import aclosing

import pytest

from altus.common.errors import Conflict, Unauthenticated, Unavailable
from altus.model.vm import VmState
from altus.sdk.consoles import Console
from altus.wire.consoles import ConsoleKind
from altus.wire.tasks import EventView
from testbed.administrator import Administrator
from testbed.patience import GUEST, until

pytestmark = pytest.mark.functional


async def _reads(console: Console, wanted: bytes) -> bytes:
    """Everything up to and with what is waited for."""
    heard = b""
    async with asyncio.timeout(GUEST):
        async for data in console:
            heard += data
            if wanted in heard:
                return heard
    raise AssertionError(f"the console ended after {heard[-300:]!r}")


async def test_the_serial_console_logs_in_and_echoes(admin: Administrator) -> None:
    vm = await admin.guest()
    async with admin.altus.consoles.open(vm.id) as console:
        await console.send(b"\n")
        await _reads(console, b"login:")
        await console.send(b"root\n")
        await _reads(console, b"# ")
        await console.send(b"echo answer: $((6*7))\n")
        await _reads(console, b"answer: 42")
        await console.send(b"exit\n")
        await _reads(console, b"login:")


async def test_a_second_console_takes_over_from_the_first(admin: Administrator) -> None:
    vm = await admin.guest()
    async with admin.altus.consoles.open(vm.id) as first:
        await first.send(b"\n")
        await _reads(first, b"login:")
        async with admin.altus.consoles.open(vm.id) as second:
            await second.send(b"\n")
            await _reads(second, b"login:")
            async with asyncio.timeout(GUEST):
                with contextlib.suppress(Unavailable):  # told that it was cut off, or plainly at its end
                    _ = [data async for data in first]


async def test_the_screen_speaks_rfb(admin: Administrator) -> None:
    vm = await admin.guest()
    async with admin.altus.consoles.open(vm.id, ConsoleKind.VNC) as console:
        assert (await _reads(console, b"RFB 003.")).startswith(b"RFB 003.")


async def test_a_ticket_opens_once(admin: Administrator) -> None:
    vm = await admin.guest()
    ticket = await admin.altus.consoles.ticket(vm.id, ConsoleKind.VNC)
    transport = admin.altus.transport
    socket = await transport.websocket(ticket.path)
    assert await _reads(Console(socket), b"RFB 003.")
    again = Console(await transport.websocket(ticket.path))
    with pytest.raises(Unauthenticated) as caught:
        _ = [data async for data in again]
    assert caught.value.code == "console.ticket"
    await socket.close()


async def test_a_vm_that_is_off_has_no_console(admin: Administrator) -> None:
    vm = await admin.vm(networks=())
    with pytest.raises(Conflict) as caught:
        await admin.altus.consoles.ticket(vm.id)
    assert caught.value.code == "vm.state"
    with pytest.raises(Conflict):
        await admin.altus.vms.screenshot(vm.id)


async def test_the_screenshot_shows_something(admin: Administrator) -> None:
    vm = await admin.guest()

    async def look() -> bool:
        picture = await admin.altus.vms.screenshot(vm.id)
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        return len(set(_pixels(picture))) > 1

    await until(look, "the screen is not of one colour", GUEST)


def _pixels(png: bytes) -> bytes:
    data, position = b"", 8
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        if png[position + 4 : position + 8] == b"IDAT":
            data += png[position + 8 : position + 8 + length]
        position += 12 + length
    rows = zlib.decompress(data)
    width = struct.unpack_from(">I", png, 16)[0]
    line = 1 + 3 * width  # a filter's byte before each row
    return b"".join(rows[start + 1 : start + line] for start in range(0, len(rows), line))


async def test_events_tell_what_happens_and_can_be_resumed(admin: Administrator) -> None:
    vm = await admin.vm(networks=())
    seen: list[EventView] = []

    async def watch(after: int | None, enough: str) -> None:
        async with aclosing(admin.altus.events.follow(after, nouns=["vm"])) as events:
            async for event in events:
                seen.append(event)
                if event.object_id == vm.id and event.data.get("state") == enough:
                    return

    before = (await admin.altus.vms.events(vm.id)).items[0].seq
    await admin.altus.vms.start(vm.id).run()
    async with asyncio.timeout(GUEST):
        await watch(before, VmState.RUNNING)
    last = seen[-1].seq
    await admin.altus.vms.kill(vm.id).run()
    admin.system.restart("altus-manager")
    async with asyncio.timeout(GUEST):
        await watch(last, VmState.STOPPED)
    numbers = [event.seq for event in seen]
    assert numbers == sorted(set(numbers)), "none twice, in order"
