"""The agents of all hosts, over mutual TLS."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import TypeVar

import aiohttp
import structlog

from altus.common.errors import AltusError, NotFound, Unavailable
from altus.common.pki import distrusting
from altus.manager.agents.base import ReportProgress
from altus.manager.agents.connection import AgentConnection
from altus.manager.agents.transport import AgentResolver, AgentSession
from altus.manager.agents.watch import HostWatcher
from altus.wire.agent import Heartbeat, Hello
from altus.wire.operations import Operation

Q = TypeVar("Q")
S = TypeVar("S")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
_log = structlog.get_logger(__name__)


class AgentPool:
    """Implements `Agents`. Made within a running event loop; `context` shows the manager's own certificate;
    a host's event stream without even a heartbeat for `silence` seconds is dead."""

    def __init__(self, context: ssl.SSLContext, silence: float = 5.0) -> None:
        self._resolver = AgentResolver()
        self._revoked: frozenset[int] = frozenset()
        self._context = distrusting(context, lambda: self._revoked)
        self._unused: list[AgentSession] = []
        self._hosts: dict[str, AgentConnection] = {}
        self._silence = silence
        self._complete = False

    async def close(self) -> None:
        """End all connections."""
        self._unused += [host.session for host in self._hosts.values()]
        await self._close_unused()
        await self._resolver.close()

    async def distrust(self, revoked: Mapping[int, str]) -> None:
        """Certificates with these serial numbers, each of a host, are not to be believed. Connections to the hosts of
        new ones are made anew: what was under way is asked again, and joined. Those to other hosts stay."""
        new, self._revoked = revoked.keys() - self._revoked, frozenset(revoked)
        for host_id in {revoked[number] for number in new} & self._hosts.keys():
            self._unused.append(self._hosts[host_id].session)
            self._hosts[host_id].session = AgentSession(self._context, self._resolver)
        await self._close_unused()

    def add(self, host_id: str, address: str) -> None:
        """A host, or its new address (host:port)."""
        known = self._hosts.get(host_id)
        if known is None or known.address != address:
            if known is not None:
                self._unused.append(known.session)
            session = AgentSession(self._context, self._resolver)
            self._hosts[host_id] = AgentConnection(session, self._resolver, host_id, address)

    def remove(self, host_id: str) -> None:
        """A host that does not belong to the pool any more."""
        if (known := self._hosts.pop(host_id, None)) is not None:
            self._unused.append(known.session)
        self._resolver.drop(host_id)

    def complete(self) -> None:
        """All hosts of the pool were added: others do not exist."""
        self._complete = True

    def known(self) -> set[str]:
        """The ids of all hosts that were added."""
        return set(self._hosts)

    def host(self, host_id: str) -> AgentConnection:
        """What else a host offers: consoles, screenshots, uploads. `NotFound` (`host.not_found`); `Unavailable`
        (`host.unreachable`) before all are known: a manager that has just started may look for one too early."""
        found = self._hosts.get(host_id)
        if found is None and not self._complete:
            raise Unavailable("This manager has just started and does not know its hosts yet.", code="host.unreachable",
                              hint="Repeat it in a moment.")  # fmt: skip
        if found is None:
            raise NotFound(f"There is no host {host_id[:64]}.", code="host.not_found", hint="See `altus host list`.")
        return found

    async def call(self, host_id: str, operation: Operation[Q, S], request: Q, *, key: str = "", epoch: int = 0,
                   progress: ReportProgress | None = None) -> S:  # fmt: skip
        """See `Agents.call`."""
        return await self.host(host_id).call(operation, request, key=key, epoch=epoch, progress=progress)

    async def cancel(self, host_id: str, key: str) -> None:
        """See `Agents.cancel`."""
        await self.host(host_id).cancel(key)

    async def shown(self, host_id: str) -> int:
        """See `Agents.shown`."""
        return await self.host(host_id).shown(self._context)

    @property
    def revoked(self) -> frozenset[int]:
        """The serial numbers that are not believed."""
        return self._revoked

    def greetings(self, host_id: str) -> int:
        """How often the host has begun to tell what it sees; 0 while it is not up."""
        return self._hosts[host_id].greetings if self.is_up(host_id) else 0

    def is_up(self, host_id: str) -> bool:
        """See `Agents.is_up`."""
        return host_id in self._hosts and self._hosts[host_id].up.is_set()

    async def wait_up(self, host_id: str, timeout: float) -> bool:
        """See `Agents.wait_up`."""
        try:
            await asyncio.wait_for(self.host(host_id).up.wait(), timeout)
        except TimeoutError:
            return False
        return True

    async def watch(self, host_id: str, watcher: HostWatcher) -> None:
        """Tell `watcher` what the host sees, until cancelled; while this runs, it is known whether the host is up."""
        pause = _FIRST_PAUSE
        while True:
            host = self.host(host_id)
            greeted = silent = False
            try:
                async with aclosing(self._follow(host, watcher)) as news:
                    async for heard in news:
                        greeted, pause = heard, _FIRST_PAUSE
            except AltusError as error:
                silent = error.code == "host.silent"
                if host.up.is_set():
                    _log.warning("host's event stream ended", host=host_id, error=error.message)
            except asyncio.CancelledError:
                host.up.clear()
                raise
            except Exception:
                _log.exception("what a host told could not be dealt with", host=host_id)
            if host.up.is_set() and (silent or not greeted):  # a broken connection alone may be whole again at once
                host.up.clear()
                await watcher.on_down(host_id)
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def console(self, host_id: str, vm_id: str, kind: str) -> aiohttp.ClientWebSocketResponse:
        """See `AgentConnection.console`."""
        return await self.host(host_id).console(vm_id, kind)

    async def screenshot(self, host_id: str, vm_id: str) -> bytes:
        """See `AgentConnection.screenshot`."""
        return await self.host(host_id).screenshot(vm_id)

    async def upload(self, host_id: str, storage_id: str, image_id: str, data: AsyncIterator[bytes], *,
                     turn: str, offset: int = 0) -> int:  # fmt: skip
        """See `AgentConnection.upload`."""
        return await self.host(host_id).upload(storage_id, image_id, data, turn=turn, offset=offset)

    async def _close_unused(self) -> None:
        """Sessions of hosts that left, moved, or have another certificate."""
        unused, self._unused = self._unused, []
        for session in unused:
            await session.close()

    async def _follow(self, host: AgentConnection, watcher: HostWatcher) -> AsyncGenerator[bool, None]:
        """Pass on one stream; yields, per message, whether the host has said everything."""
        greeted = False
        async with aclosing(host.events(self._silence)) as messages:
            async for message in messages:
                if isinstance(message, Hello):
                    await watcher.on_hello(message)
                    host.greetings += 1
                    host.up.set()
                    greeted = True
                elif greeted and not isinstance(message, Heartbeat):
                    await watcher.on_news(host.host_id, message)
                yield greeted
