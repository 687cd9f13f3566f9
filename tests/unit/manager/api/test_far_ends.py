"""What reaches through to hosts: consoles, screenshots, uploads, enrolment."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from altus.agent.enrol import enrol
from altus.common.errors import Conflict, Unauthenticated
from altus.common.units import MIB
from altus.drivers.image.fake import empty_qcow2
from altus.model.permission import Duty
from altus.wire.agent import EnrolToken
from tests.unit.manager.api.rig import PREFIX, Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_serial_console_carries_bytes_both_ways(rig: Rig) -> None:
    vm = await rig.vm(start=True)
    ticket = await rig.good("POST", f"/vms/{vm['id']}/console", {"kind": "serial"})
    async with asyncio.timeout(20), rig.session.ws_connect(rig.url + ticket["path"]) as socket:
        assert b"login:" in await socket.receive_bytes()
        await socket.send_bytes(b"root\r")
        assert await socket.receive_bytes() == b"root\r"
        await socket.send_str("text too")
        assert await socket.receive_bytes() == b"text too"
        await rig.done("POST", f"/vms/{vm['id']}/kill")
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_ticket_is_good_once_and_only_for_who_may(rig: Rig) -> None:
    vm = await rig.vm(start=True)
    ticket = await rig.good("POST", f"/vms/{vm['id']}/console", {"kind": "vnc"})
    async with rig.session.ws_connect(rig.url + ticket["path"]) as socket:
        assert (await socket.receive_bytes()).startswith(b"RFB 003.008")
    async with rig.session.ws_connect(rig.url + ticket["path"]) as socket:
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4401
    async with rig.session.ws_connect(f"{rig.url}{PREFIX}/consoles/%00") as socket:
        await socket.receive()
        assert socket.close_code == 4401
    stopped = await rig.vm()
    assert (await rig.call("POST", f"/vms/{stopped['id']}/console")).code == "vm.state"
    _, viewer = await rig.user("viewer")
    assert (await rig.call("POST", f"/vms/{vm['id']}/console", token=viewer)).status == 403
    records = await rig.good("GET", "/audit", params={"filter": f"object_id:{vm['id']}"}, duty=Duty.AUDIT)
    assert "vm.console" in [one["action"] for one in records["items"]]


async def test_screenshot_is_a_picture(rig: Rig) -> None:
    vm = await rig.vm(start=True)
    answer = await rig.call("GET", f"/vms/{vm['id']}/screenshot")
    assert answer.headers["content-type"] == "image/png"
    assert answer.body.startswith(b"\x89PNG")


async def test_upload_goes_on_where_it_broke_off(rig: Rig) -> None:
    content = empty_qcow2(4 * MIB)
    image = (await rig.good("POST", "/images", {"name": name("image")}))["id"]
    path = f"/images/{image}/upload"
    half = len(content) // 2
    assert await rig.good("PUT", path, data=content[:half]) == {"offset": half}
    assert await rig.good("GET", path) == {"offset": half}
    assert (await rig.call("PUT", path, data=b"x", params={"offset": "9999999"})).code == "upload.offset"
    assert await rig.good("PUT", path, data=content[half:], params={"offset": str(half)}) == {"offset": len(content)}
    await rig.done("POST", f"/images/{image}/finish")
    made = await rig.good("GET", f"/images/{image}")
    assert (made["state"], made["size"], made["source_format"]) == ("ready", 4 * MIB, "qcow2")
    assert (await rig.call("PUT", path, data=b"x")).code == "image.not_uploading"
    await rig.require_healthy()


async def test_upload_that_breaks_off_is_no_fault_of_ours(rig: Rig) -> None:
    image = (await rig.good("POST", "/images", {"name": name("image")}))["id"]
    writer = (await asyncio.open_connection("127.0.0.1", int(rig.url.rpartition(":")[2])))[1]
    token = rig.tokens[Duty.SYSTEM]
    head = (f"PUT {PREFIX}/images/{image}/upload HTTP/1.1", "Host: x", f"Authorization: Bearer {token}",
            "Content-Length: 1000000", "", "")  # fmt: skip
    writer.write("\r\n".join(head).encode() + b"x" * 500_000)
    await writer.drain()
    writer.transport.abort()
    async with asyncio.timeout(20):
        while (answer := await rig.call("PUT", f"/images/{image}/upload", data=b"anew")).code == "upload.taken_over":
            continue  # what is left of the first one arrived at the host behind the second
    assert answer.json == {"offset": 4}
    await rig.done("DELETE", f"/images/{image}")


async def test_hostile_file_is_refused_and_nothing_stays(rig: Rig) -> None:
    image = (await rig.good("POST", "/images", {"name": name("image")}))["id"]
    evil = bytearray(empty_qcow2(4 * MIB))
    evil[8:20] = (200).to_bytes(8, "big") + (11).to_bytes(4, "big")  # a backing file
    evil[200:211] = b"/etc/shadow"
    await rig.good("PUT", f"/images/{image}/upload", data=bytes(evil))
    task = await rig.ended((await rig.good("POST", f"/images/{image}/finish"))["id"])
    assert task["state"] == "failed"
    assert task["error"]["code"].startswith("image.")
    assert (await rig.call("GET", f"/images/{image}")).status == 404
    await rig.require_healthy()


async def test_large_upload_is_a_stream(rig: Rig) -> None:
    image = (await rig.good("POST", "/images", {"name": name("image")}))["id"]
    chunk = hashlib.shake_128(b"any").digest(1 << 20)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(16):
            yield chunk

    assert await rig.good("PUT", f"/images/{image}/upload", data=chunks()) == {"offset": 16 << 20}
    await rig.done("DELETE", f"/images/{image}")


async def test_enrolment_token_is_for_one_host(rig: Rig, tmp_path: Path) -> None:
    made = await rig.good("POST", "/hosts/enrol", {"name": name("host"), "label": "internal"})
    token = EnrolToken.decode(made["token"])
    host_id = await enrol(token, tmp_path / "a", "h", "127.0.0.1:9")
    host = await rig.good("GET", f"/hosts/{host_id}")
    assert (host["name"], host["label"], host["state"]) == (made["name"], "internal", "enrolling")
    assert await enrol(token, tmp_path / "a", "h", "127.0.0.1:9") == host_id
    with pytest.raises(Conflict):
        await enrol(token, tmp_path / "b", "h", "127.0.0.1:9")
    with pytest.raises(Unauthenticated):
        await enrol(token.model_copy(update={"secret": "guessed"}), tmp_path / "c", "h", "127.0.0.1:9")
    await rig.require_healthy()  # a host that has not joined yet is no fault
