"""Something goes wrong with just one of the calls that a task makes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from altus.common.errors import Failed, Unavailable
from altus.manager.agents.base import ReportProgress
from altus.wire.operations import Operation
from testbed.local_agents import LocalAgents

Q = TypeVar("Q")
S = TypeVar("S")
_AWAY = 0.03


class Trouble(StrEnum):
    """What goes wrong: the host refuses; the question or the answer gets lost; the host is away for a while; somebody
    meddles (`Interference.meddle`) before the call is made."""

    REFUSED = "refused"
    QUESTION_LOST = "question-lost"
    ANSWER_LOST = "answer-lost"
    AWAY = "away"
    MEDDLED = "meddled"


async def _nothing() -> None:
    """Nobody meddles."""


@dataclass
class Interference:
    """Implements `Agents`: passes everything on, but there is trouble with call number `at` (none: with no call)."""

    agents: LocalAgents
    trouble: Trouble | None = None
    at: int = -1
    meddle: Callable[[], Awaitable[None]] = _nothing
    calls: list[str] = field(default_factory=list)

    async def call(self, host_id: str, operation: Operation[Q, S], request: Q, *, key: str = "", epoch: int = 0,
                   progress: ReportProgress | None = None) -> S:  # fmt: skip
        """As `Agents.call`."""
        trouble = self.trouble if len(self.calls) == self.at else None
        self.calls.append(operation.name)
        if trouble is Trouble.REFUSED:
            raise Failed("The host cannot do it.", code="test.refused")
        if trouble is Trouble.QUESTION_LOST:
            raise _silence(host_id)
        if trouble is Trouble.MEDDLED:
            await self.meddle()
        if trouble is Trouble.AWAY:
            self.agents.disconnect(host_id)
            asyncio.get_running_loop().call_later(_AWAY, self.agents.connect, host_id)
        answer = await self.agents.call(host_id, operation, request, key=key, epoch=epoch, progress=progress)
        if trouble is Trouble.ANSWER_LOST:
            raise _silence(host_id)
        return answer

    async def cancel(self, host_id: str, key: str) -> None:
        """As `Agents.cancel`."""
        await self.agents.cancel(host_id, key)

    async def shown(self, host_id: str) -> int:
        """As `Agents.shown`."""
        return await self.agents.shown(host_id)

    def is_up(self, host_id: str) -> bool:
        """As `Agents.is_up`."""
        return self.agents.is_up(host_id)

    async def wait_up(self, host_id: str, timeout: float) -> bool:
        """As `Agents.wait_up`."""
        return await self.agents.wait_up(host_id, timeout)


def _silence(host_id: str) -> Unavailable:
    return Unavailable("The host does not answer.", code="host.unreachable", host_id=host_id)
