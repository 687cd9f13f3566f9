"""The event stream: everything first, then changes, and never silence."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from altus.agent.app import AgentServer
from altus.agent.core import AgentCore
from altus.agent.events import EventHub
from altus.common.errors import Unavailable
from altus.manager.agents.pool import AgentPool
from altus.manager.agents.watch import HostNews
from altus.model.vm import VmEvent, VmEventKind, VmObservation, VmState
from altus.wire import operations as op
from altus.wire.agent import FactsChanged, Heartbeat, Hello, HostMessage, StateSeen, VmHappened
from testbed.local_agents import LocalAgents
from testbed.local_hosts import LocalHost
from tests.unit.agent.sample import make_vm
from tests.unit.agent.waiting import until


class Seen:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.hellos: list[Hello] = []
        self.news: list[HostNews] = []
        self.downs: list[str] = []
        self.fail = False

    async def on_hello(self, hello: Hello) -> None:
        self.hellos.append(hello)
        if self.fail:
            self.fail = False
            raise ZeroDivisionError

    async def on_news(self, host_id: str, news: HostNews) -> None:
        self.news.append(news)

    async def on_down(self, host_id: str) -> None:
        self.downs.append(host_id)

    def events(self) -> list[VmEvent]:
        return [news.event for news in self.news if isinstance(news, VmHappened)]


@asynccontextmanager
async def watching(agents: AgentPool | LocalAgents, host_id: str) -> AsyncIterator[Seen]:
    seen = Seen()
    task = asyncio.create_task(agents.watch(host_id, seen))
    try:
        await until(lambda: seen.hellos)
        yield seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_host_tells_everything_and_then_what_happens(pool: AgentPool, host: LocalHost) -> None:
    vm = await make_vm(pool, host.id, host.local)
    async with watching(pool, host.id) as seen:
        assert pool.is_up(host.id)
        [hello] = seen.hellos
        assert hello.host_id == host.id
        assert [known.id for known in hello.vms or []] == [vm.id]
        assert [storage.id for storage in hello.storages] == [host.local]
        await pool.call(host.id, op.VM_START, op.VmRef(vm_id=vm.id))
        await until(lambda: any(event.observation and event.observation.guest for event in seen.events()))
        host.hypervisor.crash(vm.id)
        await until(lambda: seen.events()[-1].observation.state is VmState.CRASHED)  # type: ignore[union-attr]
        await host.hypervisor.undefine(vm.id)
        await until(lambda: seen.events()[-1].kind is VmEventKind.REMOVED)
    assert not pool.is_up(host.id)


async def test_guest_facts_come_again_with_the_next_hello(pool: AgentPool, host: LocalHost) -> None:
    vm = await make_vm(pool, host.id, host.local)
    await pool.call(host.id, op.VM_START, op.VmRef(vm_id=vm.id))
    async with watching(pool, host.id) as seen:
        await until(lambda: any(event.observation and event.observation.guest for event in seen.events()))
    async with watching(pool, host.id) as seen:
        [known] = seen.hellos[0].vms or []
        assert known.guest is not None
        assert known.guest.addresses == ("10.20.0.2",)


async def test_stopped_agent_is_down_and_its_successor_up(
    pool: AgentPool, host: LocalHost, server: AgentServer
) -> None:
    async with watching(pool, host.id) as seen:
        await server.close()
        await until(lambda: seen.downs == [host.id])
        assert not pool.is_up(host.id)
        host.restart()
        successor = AgentServer(host.core, server._identity)
        await successor.start("127.0.0.1", server.port)
        assert await pool.wait_up(host.id, 5)
        assert len(seen.hellos) == 2
        await successor.close()


async def test_silent_host_is_down(pool: AgentPool, host: LocalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watching(pool, host.id) as seen:
        held = asyncio.Event()

        async def stuck(_core: AgentCore, on_overflow: Callable[[], None]) -> AsyncIterator[HostMessage]:
            await held.wait()
            yield Heartbeat()

        monkeypatch.setattr(AgentCore, "stream", stuck)
        pool._silence = 0.3
        host.core.hub.close()  # ends the stream that is there; the next one says nothing
        await until(lambda: seen.downs == [host.id])
        held.set()


async def test_broken_connection_that_is_whole_again_at_once_is_no_outage(pool: AgentPool, host: LocalHost) -> None:
    async with watching(pool, host.id) as seen:
        for listener in host.core.hub._listeners:
            listener.end()
        await until(lambda: len(seen.hellos) == 2)
        assert seen.downs == []


async def test_watcher_that_fails_is_told_everything_again(pool: AgentPool, host: LocalHost) -> None:
    seen = Seen()
    seen.fail = True
    task = asyncio.create_task(pool.watch(host.id, seen))
    await until(lambda: len(seen.hellos) == 2)
    task.cancel()
    await asyncio.wait([task])


async def test_lost_hypervisor_is_a_warning_and_its_return_brings_everything(pool: AgentPool, host: LocalHost) -> None:
    vm = await make_vm(pool, host.id, host.local)
    async with watching(pool, host.id) as seen:
        host.hypervisor.disconnect()

        def warned() -> bool:
            facts = [news.facts for news in seen.news if isinstance(news, FactsChanged)]
            return bool(facts) and any("does not answer" in warning for warning in facts[-1].warnings)

        await until(warned)
        with pytest.raises(Unavailable):
            await pool.call(host.id, op.VM_START, op.VmRef(vm_id=vm.id))
        assert (await host.core.hello()).vms is None
        host.hypervisor.reconnect()
        await until(lambda: any(isinstance(news, StateSeen) for news in seen.news))
        await until(lambda: not warned())
        [state] = [news for news in seen.news if isinstance(news, StateSeen)]
        assert [known.id for known in state.vms] == [vm.id]
        await pool.call(host.id, op.VM_START, op.VmRef(vm_id=vm.id))
        await until(lambda: seen.events())


async def test_stream_is_never_silent_for_longer_than_a_second(core: AgentCore) -> None:
    core.start()
    times: list[float] = []
    async for message in core.stream():
        times.append(asyncio.get_running_loop().time())
        if len(times) == 3:
            assert isinstance(message, Heartbeat)
            break
    assert max(b - a for a, b in itertools.pairwise(times)) < 1.5
    await core.close()


async def test_slow_listener_is_cut_off_and_the_others_go_on() -> None:
    hub, cut = EventHub(limit=3), []
    slow, quick = hub.subscribe(lambda: cut.append(True)), hub.subscribe()
    heard: list[HostMessage] = []

    async def listen() -> None:
        heard.extend([message async for message in quick.messages()])

    listening = asyncio.create_task(listen())
    for number in range(10):
        hub.publish(StateSeen(order=0, vms=[VmObservation(id=str(number), name="", state=VmState.STOPPED)]))
        await asyncio.sleep(0.001)
    assert cut == [True]
    assert [message async for message in slow.messages()] == []
    hub.close()
    await listening
    assert len(heard) == 10


async def test_listener_after_the_end_is_let_go() -> None:
    hub = EventHub()
    hub.close()
    assert [message async for message in hub.subscribe().messages()] == []


async def test_local_agents_tell_the_same(tmp_path: object, host: LocalHost) -> None:
    agents = LocalAgents([host])
    vm = await make_vm(agents, host.id, host.local)
    async with watching(agents, host.id) as seen:
        agents.disconnect(host.id)
        await until(lambda: seen.downs == [host.id])
        with pytest.raises(Unavailable):
            await agents.call(host.id, op.VM_START, op.VmRef(vm_id=vm.id))
        agents.connect(host.id)
        await until(lambda: len(seen.hellos) == 2)
        await agents.kill(host.id)
        agents.restart(host.id)
        await until(lambda: len(seen.hellos) == 3)
        assert [known.id for known in seen.hellos[-1].vms or []] == [vm.id]
    await agents.close()
