"""The agent without a network: what it does for whoever reaches it, over TLS or, in tests, in the same process."""

from __future__ import annotations

import asyncio
import importlib.metadata
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path

import structlog

from altus.agent.calls import Calls
from altus.agent.drivers import HostDrivers
from altus.agent.epochs import Epochs
from altus.agent.events import EventHub
from altus.agent.facts import FactsKeeper
from altus.agent.inventory.facts import Found
from altus.agent.touch import TouchWatcher
from altus.agent.watch import VmWatcher
from altus.wire.agent import HEARTBEAT, Heartbeat, Hello, HostMessage

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_log = structlog.get_logger(__name__)


class AgentCore:
    """One host's agent: `calls` does what is asked, `stream` tells what is seen."""

    def __init__(self, drivers: HostDrivers, state_dir: Path, look: Callable[[], Found]) -> None:
        self.drivers = drivers
        self.hub = EventHub()
        self.facts = FactsKeeper(drivers, look, self.hub.publish)
        self.watcher = VmWatcher(drivers.hypervisor, self.hub.publish, partial(self.facts.warn, "hypervisor"))
        self.calls = Calls(drivers, Epochs(state_dir / "epoch"))
        self._boot_id = _BOOT_ID.read_text().strip()
        touch = TouchWatcher(drivers, self.hub.publish)
        self._work: list[Callable[[], Awaitable[None]]] = [self.facts.run, self.watcher.run, touch.run]
        self._tasks: list[asyncio.Task[None]] = []

    def add_work(self, work: Callable[[], Awaitable[None]]) -> None:
        """Something that is to be done in the background from the start on."""
        self._work.append(work)

    def start(self) -> None:
        """Begin to look; needs a running event loop."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._guarded(work)) for work in self._work]

    async def close(self) -> None:
        """End; VMs run on. Calls that last are broken off, and their callers told to ask again."""
        self.hub.close()
        await self.calls.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.drivers.close()

    async def stream(self, on_overflow: Callable[[], None] = lambda: None) -> AsyncGenerator[HostMessage, None]:
        """Everything (`Hello`), then every change, with heartbeats; also before the hello, if that takes long."""
        listener = self.hub.subscribe(on_overflow)
        greeting = asyncio.create_task(self.hello())
        try:
            while not (await asyncio.wait([greeting], timeout=HEARTBEAT))[0]:
                yield Heartbeat()
            yield greeting.result()
            async with aclosing(listener.messages()) as messages:
                async for message in messages:
                    yield message
        finally:
            greeting.cancel()
            self.hub.unsubscribe(listener)

    async def hello(self) -> Hello:
        """Everything the host knows."""
        facts, storages = await self.facts.current()
        vms = await self.watcher.current()
        return Hello(host_id=self.drivers.host_id, boot_id=self._boot_id, order=time.monotonic_ns(),
                     agent_version=importlib.metadata.version("altus"), facts=facts, storages=storages,
                     vms=vms)  # fmt: skip

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """A fault of ours must not leave the agent blind: it is logged and the work begun again."""
        while True:
            try:
                await work()
            except Exception:
                _log.exception("the agent's background work failed by a fault of ours")
                await asyncio.sleep(1.0)
            else:
                return
