"""Manager and agent over real mutual TLS on loopback."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import Mock

import aiohttp
import pytest

from altus.agent.app import AgentServer
from altus.common.errors import AltusError, Cancelled, Conflict, Forbidden, LimitExceeded, NotFound, Unavailable
from altus.common.ids import new_id
from altus.common.pki import Authority, Subject, serial
from altus.manager.agents.pool import AgentPool
from altus.manager.agents.transport import translated
from altus.model.vm import VmObservation, VmState
from altus.wire import operations as op
from altus.wire.agent import StateSeen
from testbed.local_hosts import LocalHost
from tests.unit.agent.conftest import certify, client_of
from tests.unit.agent.sample import make_vm
from tests.unit.agent.waiting import until, until_told


async def test_vm_is_made_started_and_seen(pool: AgentPool, host: LocalHost) -> None:
    vm = await make_vm(pool, host.id, host.local)
    seen = await pool.call(host.id, op.VM_START, op.VmRef(vm_id=vm.id), key="k", epoch=3)
    assert seen.observation is not None
    assert seen.observation.state is VmState.RUNNING
    census = await pool.call(host.id, op.HOST_CENSUS, op.Nothing())
    assert census.processes == [vm.id]
    assert [volume.id for volume in census.volumes[host.local]] == [vm.hardware.disks[0].volume_id]
    assert list(census.ports) == [vm.hardware.nics[0].id]


async def test_drivers_error_arrives_as_it_was(pool: AgentPool, host: LocalHost) -> None:
    with pytest.raises(NotFound) as caught:
        await pool.call(host.id, op.VM_START, op.VmRef(vm_id=new_id()))
    assert caught.value.code == "vm.not_on_host"
    assert caught.value.context["host_id"] == host.id


async def test_disconnected_caller_may_come_back_to_its_call(pool: AgentPool, host: LocalHost,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    go, begun = asyncio.Event(), asyncio.Event()

    async def slow(vm_id: str) -> None:
        begun.set()
        await go.wait()

    monkeypatch.setattr(host.hypervisor, "shutdown", slow)
    request = op.VmRef(vm_id="a")
    first = asyncio.create_task(pool.call(host.id, op.VM_SHUTDOWN, request, key="k"))
    await begun.wait()
    first.cancel()
    await asyncio.wait([first])
    second = asyncio.create_task(pool.call(host.id, op.VM_SHUTDOWN, request, key="k"))
    await asyncio.sleep(0.05)
    assert host.core.calls.running == 1
    go.set()
    assert await second == op.VmSeen(observation=None)


async def test_cancel_crosses_the_network(pool: AgentPool, host: LocalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def endless(vm_id: str) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(host.hypervisor, "shutdown", endless)
    call = asyncio.create_task(pool.call(host.id, op.VM_SHUTDOWN, op.VmRef(vm_id="a"), key="k"))
    await begun.wait()
    await pool.cancel(host.id, "k")
    with pytest.raises(Cancelled):
        await call


async def test_progress_arrives(pool: AgentPool, host: LocalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[float, str]] = []
    storage = host.storage
    create = storage.create_volume

    async def slowly(volume_id: str, size: int, base: object, progress: object) -> object:
        assert callable(progress)
        progress(0.25)
        await asyncio.sleep(0.05)
        return await create(volume_id, size)

    monkeypatch.setattr(storage, "create_volume", slowly)
    request = op.VolumeCreate(storage_id=host.local, volume_id=new_id(), size=1 << 30)

    def hear(share: float, message: str, committed: bool = False) -> None:
        assert not committed
        heard.append((share, message))

    await pool.call(host.id, op.VOLUME_CREATE, request, progress=hear)
    assert (0.25, "Copying the disk") in heard


async def test_stopped_agent_is_unreachable(pool: AgentPool, host: LocalHost, server: AgentServer) -> None:
    await server.close()
    with pytest.raises(Unavailable) as caught:
        await pool.call(host.id, op.VM_OBSERVE, op.VmRef(vm_id="a"))
    assert caught.value.code == "host.unreachable"
    assert caught.value.context["host_id"] == host.id
    assert caught.value.message == f"Host {host.id} does not answer: Connection refused."


@pytest.mark.parametrize(("error", "why"), [
    (aiohttp.ConnectionTimeoutError("c"), "nothing came back in time"),
    (aiohttp.ServerDisconnectedError(), "the connection broke off"),
    (aiohttp.ClientPayloadError(), "the connection broke off"),
    (aiohttp.ClientConnectorError(Mock(), OSError(113, "Connect call failed")), "No route to host"),
    (aiohttp.ClientConnectorSSLError(Mock(), OSError(1, "SSLV3_ALERT")), "it breaks the TLS handshake off"),
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_why_a_host_does_not_answer_is_told_in_words(error: Exception, why: str) -> None:
    with pytest.raises(Unavailable, match=f"Host h1 does not answer: {why}\\."), translated("h1"):
        raise error


async def test_unknown_host_is_not_found_when_all_are_known_and_waited_for_before(pool: AgentPool) -> None:
    with pytest.raises(Unavailable) as caught:
        await pool.call(new_id(), op.VM_OBSERVE, op.VmRef(vm_id="a"))
    assert caught.value.code == "host.unreachable"
    pool.complete()
    with pytest.raises(NotFound):
        await pool.call(new_id(), op.VM_OBSERVE, op.VmRef(vm_id="a"))


async def test_host_with_the_certificate_of_another_is_not_believed(pool: AgentPool, server: AgentServer) -> None:
    other = new_id()
    pool.add(other, f"127.0.0.1:{server.port}")
    with pytest.raises(Unavailable) as caught:
        await pool.call(other, op.VM_OBSERVE, op.VmRef(vm_id="a"))
    assert caught.value.code == "host.untrusted"


async def test_revoked_host_is_not_believed_any_more(pool: AgentPool, host: LocalHost) -> None:
    request = op.VmRef(vm_id="a")
    await pool.call(host.id, op.VM_OBSERVE, request)
    mine = serial(host.identity.certificate.read_text())
    await pool.distrust({mine + 1: host.id})
    await pool.call(host.id, op.VM_OBSERVE, request)
    await pool.distrust({mine: host.id, mine + 1: host.id})
    with pytest.raises(Unavailable) as caught:
        await pool.call(host.id, op.VM_OBSERVE, request)
    assert caught.value.code == "host.untrusted"


async def test_connections_to_hosts_with_good_certificates_stay(pool: AgentPool, host: LocalHost) -> None:
    vm = await make_vm(pool, host.id, host.local)
    await pool.call(host.id, op.VM_START, op.VmRef(vm_id=vm.id))
    async with await pool.console(host.id, vm.id, "serial") as socket:
        await socket.receive_bytes(timeout=60)
        await pool.distrust({1: new_id()})
        assert not socket.closed
        await socket.ping()
        await pool.distrust({1: new_id(), 2: host.id})
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_who_reads_from_a_host_notices_that_its_connection_was_closed(pool: AgentPool, host: LocalHost) -> None:
    told = asyncio.Event()

    async def listen() -> None:
        async for _ in pool.host(host.id).events(3600.0):
            told.set()

    listening = asyncio.create_task(listen())
    await told.wait()
    await asyncio.sleep(0)  # it waits for more
    await pool.distrust({1: host.id})
    with pytest.raises(Unavailable) as caught:
        await asyncio.wait_for(listening, 10)
    assert caught.value.code == "host.unreachable"


async def test_new_certificate_is_shown_and_calls_that_last_go_on(pool: AgentPool, host: LocalHost,
                                                                  server: AgentServer, authority: Authority,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    go, begun = asyncio.Event(), asyncio.Event()

    async def slow(vm_id: str) -> None:
        begun.set()
        await go.wait()

    monkeypatch.setattr(host.hypervisor, "shutdown", slow)
    call = asyncio.create_task(pool.call(host.id, op.VM_SHUTDOWN, op.VmRef(vm_id="a"), key="k"))
    await begun.wait()
    old = await pool.shown(host.id)
    asked = await pool.call(host.id, op.CERTIFICATE_ASK, op.Nothing())
    assert int(asked.serial, 16) == old
    new = authority.issue(asked.csr, Subject(common_name="h", host_id=host.id, label="open"))
    take = op.CertificateTake(certificate=new, instead_of=asked.serial)
    await pool.call(host.id, op.CERTIFICATE_TAKE, take)
    assert await pool.shown(host.id) == serial(new)
    go.set()
    assert await call == op.VmSeen(observation=None)
    await pool.call(host.id, op.CERTIFICATE_RETURN, op.CertificateRef(serial=asked.serial))
    assert await pool.shown(host.id) == old


async def test_agent_of_another_pool_is_not_believed(host: LocalHost, server: AgentServer, tmp_path: Path) -> None:
    foreign = Authority.open(tmp_path / "foreign")
    identity = certify(tmp_path / "foreign-manager", foreign, Subject(common_name="m"))
    pool = AgentPool(client_of(identity))
    pool.add(host.id, f"127.0.0.1:{server.port}")
    with pytest.raises(Unavailable) as caught:
        await pool.call(host.id, op.VM_OBSERVE, op.VmRef(vm_id="a"))
    assert caught.value.code == "host.untrusted"
    await pool.close()


async def test_manager_of_another_pool_is_refused(host: LocalHost, server: AgentServer, authority: Authority,
                                                  tmp_path: Path) -> None:  # fmt: skip
    identity = certify(tmp_path / "m", Authority.open(tmp_path / "foreign"), Subject(common_name="m"))
    identity.ca.write_text(authority.certificate)
    pool = AgentPool(client_of(identity))
    pool.add(host.id, f"127.0.0.1:{server.port}")
    with pytest.raises(Unavailable):
        await pool.call(host.id, op.VM_OBSERVE, op.VmRef(vm_id="a"))
    await pool.close()


async def test_caller_without_certificate_is_refused(host: LocalHost, server: AgentServer) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"https://127.0.0.1:{server.port}/healthz", ssl=False)


async def test_another_agent_may_not_call(host: LocalHost, server: AgentServer, authority: Authority,
                                          tmp_path: Path) -> None:  # fmt: skip
    identity = certify(tmp_path / "other", authority, Subject(common_name="x", host_id=new_id(), label="open"))
    pool = AgentPool(client_of(identity))
    pool.add(host.id, f"127.0.0.1:{server.port}")
    with pytest.raises(Forbidden) as caught:
        await pool.call(host.id, op.VM_OBSERVE, op.VmRef(vm_id="a"))
    assert caught.value.code == "tls.not_manager"
    await pool.close()


@pytest.mark.parametrize("kind", ["serial", "vnc"])
async def test_console_carries_bytes_and_ends_with_the_vm(pool: AgentPool, host: LocalHost, kind: str) -> None:
    vm = await make_vm(pool, host.id, host.local)
    await pool.call(host.id, op.VM_START, op.VmRef(vm_id=vm.id))
    async with await pool.console(host.id, vm.id, kind) as socket:
        greeting = await socket.receive_bytes(timeout=60)
        assert greeting.endswith(b"login: ") or greeting.startswith(b"RFB")
        if kind == "serial":
            await socket.send_bytes(b"echo\xff\x00")
            assert await socket.receive_bytes(timeout=60) == b"echo\xff\x00"
        await pool.call(host.id, op.VM_DESTROY, op.VmRef(vm_id=vm.id))
        closing = await socket.receive(timeout=60)
        assert closing.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_console_of_a_stopped_vm_says_why_not(pool: AgentPool, host: LocalHost) -> None:
    vm = await make_vm(pool, host.id, host.local)
    with pytest.raises(AltusError) as caught:
        await pool.console(host.id, vm.id, "serial")
    assert caught.value.code == "vm.not_running"


async def test_screenshot_is_png(pool: AgentPool, host: LocalHost) -> None:
    vm = await make_vm(pool, host.id, host.local)
    await pool.call(host.id, op.VM_START, op.VmRef(vm_id=vm.id))
    assert (await pool.screenshot(host.id, vm.id)).startswith(b"\x89PNG")


async def test_upload_goes_on_where_it_broke_off(pool: AgentPool, host: LocalHost) -> None:
    image, connection = new_id(), pool.host(host.id)
    assert await pool.upload(host.id, host.local, image, _pieces(b"a" * 1000), turn=new_id()) == 1000
    assert await connection.uploaded(host.local, image) == 1000
    assert await pool.upload(host.id, host.local, image, _pieces(b"b" * 500), turn=new_id(), offset=900) == 1400
    staged = host.storage.staging(image) / "upload"
    assert staged.read_bytes() == b"a" * 900 + b"b" * 500
    with pytest.raises(Conflict) as caught:
        await pool.upload(host.id, host.local, image, _pieces(b"c"), turn=new_id(), offset=5000)
    assert caught.value.context["offset"] == 1400
    await connection.drop_upload(host.local, image)
    assert await connection.uploaded(host.local, image) == 0


async def test_broken_upload_keeps_what_arrived(pool: AgentPool, host: LocalHost) -> None:
    async def breaking() -> object:
        yield b"x" * 1000
        await asyncio.sleep(0.1)
        raise RuntimeError("the sender dies")

    image = new_id()
    with pytest.raises((RuntimeError, AltusError)):
        await pool.upload(host.id, host.local, image, breaking(), turn=new_id())  # type: ignore[arg-type]
    connection = pool.host(host.id)

    async def arrived() -> bool:
        return await connection.uploaded(host.local, image) == 1000

    await until_told(arrived)


async def test_new_upload_takes_over_from_a_stalled_one(pool: AgentPool, host: LocalHost) -> None:
    never = asyncio.Event()

    async def stalled() -> object:
        yield b"x"
        await never.wait()

    image, connection = new_id(), pool.host(host.id)
    earlier = new_id()
    old = asyncio.create_task(pool.upload(host.id, host.local, image, stalled(), turn=earlier))  # type: ignore[arg-type]

    async def arrived() -> bool:
        return await connection.uploaded(host.local, image) == 1

    await until_told(arrived)
    assert await pool.upload(host.id, host.local, image, _pieces(b"new"), turn=new_id()) == 3
    with pytest.raises(Conflict) as caught:  # it arrives behind the one that was asked for after it
        await pool.upload(host.id, host.local, image, _pieces(b"late"), turn=earlier)
    assert caught.value.code == "upload.taken_over"
    assert await pool.host(host.id).uploaded(host.local, image) == 3
    never.set()
    with pytest.raises(AltusError):
        await old
    assert await connection.uploaded(host.local, image) == 3


async def test_upload_beyond_the_limit_is_refused(pool: AgentPool, host: LocalHost) -> None:
    with pytest.raises(LimitExceeded) as caught:
        await pool.upload(host.id, host.local, new_id(), _pieces(b"x" * 600_000, b"y" * 600_000), turn=new_id())
    assert caught.value.code == "upload.too_large"


async def test_reader_that_does_not_read_is_cut_off(pool: AgentPool, host: LocalHost) -> None:
    connection = pool.host(host.id)
    async with connection.session.http.get(f"{connection._base}/v1/events") as stuck:
        assert stuck.status == 200
        await until(lambda: host.core.hub.listeners == 1)
        news = StateSeen(order=0, vms=[VmObservation(id="x" * 100_000, name="", state=VmState.STOPPED)])

        def told_much() -> bool:
            for _ in range(100):
                host.core.hub.publish(news)
            return host.core.hub.listeners == 0

        await until(told_much)


@pytest.mark.parametrize("path", ["/v1/storages/x/images/y/upload", "/v1/vms/..%2f/screenshot"])
async def test_paths_hold_ids_only(pool: AgentPool, host: LocalHost, path: str) -> None:
    connection = pool.host(host.id)
    async with connection.session.http.get(connection._base + path) as response:
        assert response.status == 400
        assert (await response.json())["error"]["code"] == "id.malformed"


async def test_metrics_and_health(pool: AgentPool, host: LocalHost) -> None:
    await make_vm(pool, host.id, host.local)
    await host.core.facts.current()
    connection = pool.host(host.id)
    async with connection.session.http.get(f"{connection._base}/metrics") as response:
        text = await response.text()
    assert 'altus_agent_calls_total{operation="vm.define",outcome="done"} 1.0' in text
    assert 'altus_storage_capacity_bytes{storage="local"}' in text
    async with connection.session.http.get(f"{connection._base}/healthz") as response:
        assert await response.json() == {"host_id": host.id, "sees": True}


async def _pieces(*pieces: bytes):  # type: ignore[no-untyped-def]
    for piece in pieces:
        yield piece
