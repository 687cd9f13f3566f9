"""Agents in this process: the manager's `Agents` on real agent code and fake drivers, with faults to order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar, cast

from altus.agent.execution import Execution
from altus.common.errors import AltusError, NotFound, from_dict
from altus.manager.agents.base import ReportProgress
from altus.manager.agents.watch import HostWatcher
from altus.wire.agent import Heartbeat, Hello
from altus.wire.operations import Message, Operation
from testbed.faults import Fault
from testbed.local_hosts import Common, LocalHost

Q = TypeVar("Q")
S = TypeVar("S")


class LocalAgents:
    """Implements `altus.manager.agents.base.Agents`; requests and answers pass through JSON as over the network.

    `asked` holds the host, operation and key of every call that reached a host.
    """

    def __init__(self, hosts: Iterable[LocalHost]) -> None:
        self.hosts = {host.id: host for host in hosts}
        for host in self.hosts.values():
            host.neighbours.hosts = self.hosts
        self.asked: list[tuple[str, str, str]] = []

    @classmethod
    def make(cls, path: Path, host_ids: Iterable[str], *, pooled: bool = False) -> LocalAgents:
        """Hosts that keep their state below `path`; the next `make` with this path goes on from there. `pooled`: they
        have networks and a repository in common."""
        common = Common(path / "common") if pooled else None
        return cls([LocalHost(host_id, path / host_id, common) for host_id in host_ids])

    # -- what tests do to it -------------------------------------------------------------------------------------------

    def fail_next(self, host_id: str, operation: str, error: AltusError) -> None:
        """The host refuses the next call of `operation`, having done nothing; several queue up."""
        self.hosts[host_id].faults[operation].append(Fault(error=error))

    def lose_next(self, host_id: str, operation: str, *, done: bool) -> None:
        """The next call of `operation` ends with silence; `done`: it was carried out all the same."""
        self.hosts[host_id].faults[operation].append(Fault(done=done))

    def disconnect(self, host_id: str) -> None:
        """The host does not answer any more, calls that last included; what it does goes on."""
        self.hosts[host_id].disconnect()

    def connect(self, host_id: str) -> None:
        """It answers again."""
        self.hosts[host_id].connect()

    async def kill(self, host_id: str) -> None:
        """Its agent dies, also in the middle of calls; VMs and files stay."""
        await self.hosts[host_id].kill()

    def restart(self, host_id: str) -> None:
        """Its agent is back after `kill`."""
        self.hosts[host_id].restart()

    async def close(self) -> None:
        """End all agents."""
        for host in self.hosts.values():
            await host.core.close()

    # -- Agents --------------------------------------------------------------------------------------------------------

    async def call(self, host_id: str, operation: Operation[Q, S], request: Q, *, key: str = "", epoch: int = 0,
                   progress: ReportProgress | None = None) -> S:  # fmt: skip
        """See `Agents.call`."""
        host = self._host(host_id)
        if not host.up.is_set():
            raise host.unreachable()
        planned = host.faults[operation.name]
        fault = planned.popleft() if planned else None
        if fault is not None and fault.error is not None:
            raise fault.error
        if fault is not None and not fault.done:
            raise host.unreachable()
        self.asked.append((host_id, operation.name, key))
        body = cast("Message", request).model_dump_json().encode()
        execution = await host.core.calls.start(operation.name, body, key=key, epoch=epoch)
        answer = await self._answer(host, execution, progress)
        if fault is not None:
            raise host.unreachable()
        return cast("S", cast("type[Message]", operation.response).model_validate(answer))

    async def cancel(self, host_id: str, key: str) -> None:
        """See `Agents.cancel`."""
        host = self._host(host_id)
        if not host.up.is_set():
            raise host.unreachable()
        await host.core.calls.cancel(key)

    async def shown(self, host_id: str) -> int:
        """See `Agents.shown`."""
        host = self._host(host_id)
        if not host.up.is_set():
            raise host.unreachable()
        return host.shown

    def is_up(self, host_id: str) -> bool:
        """See `Agents.is_up`."""
        return host_id in self.hosts and self.hosts[host_id].up.is_set()

    async def wait_up(self, host_id: str, timeout: float) -> bool:
        """See `Agents.wait_up`."""
        try:
            await asyncio.wait_for(self._host(host_id).up.wait(), timeout)
        except TimeoutError:
            return False
        return True

    async def watch(self, host_id: str, watcher: HostWatcher) -> None:
        """Tell `watcher` what the host sees, until cancelled; as `AgentPool` does for every host it knows."""
        host = self._host(host_id)
        while True:
            await host.up.wait()
            following = asyncio.create_task(self._follow(host, watcher))
            cut = asyncio.create_task(host.cut.wait())
            try:
                await asyncio.wait([following, cut], return_when=asyncio.FIRST_COMPLETED)
            finally:
                cut.cancel()
                following.cancel()
                await asyncio.wait([following])
            if not following.cancelled():
                following.result()
            await watcher.on_down(host_id)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _host(self, host_id: str) -> LocalHost:
        found = self.hosts.get(host_id)
        if found is None:
            raise NotFound(f"There is no host {host_id[:64]}.", code="host.not_found")
        return found

    async def _answer(self, host: LocalHost, execution: Execution, progress: ReportProgress | None) -> object:
        answer = asyncio.create_task(self._listen(execution, progress))
        cut = asyncio.create_task(host.cut.wait())
        try:
            await asyncio.wait([answer, cut], return_when=asyncio.FIRST_COMPLETED)
            if cut.done():
                raise host.unreachable()
            return answer.result()
        finally:
            cut.cancel()
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)

    async def _listen(self, execution: Execution, progress: ReportProgress | None) -> object:
        async for line in execution.lines():
            if line.error is not None:
                raise from_dict(line.error)
            if line.progress is not None and progress is not None:
                progress(line.progress, line.message, line.committed)
            if line.result is not None:
                return line.result
        raise RuntimeError("a call ended without an answer")

    async def _follow(self, host: LocalHost, watcher: HostWatcher) -> None:
        host.core.start()
        async with aclosing(host.core.stream()) as messages:
            async for message in messages:
                if isinstance(message, Hello):
                    await watcher.on_hello(message)
                elif not isinstance(message, Heartbeat):
                    await watcher.on_news(host.id, message)
