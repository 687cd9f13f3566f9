"""What the manager needs of agents, whether they are across the network or, in tests, in the same process."""

from __future__ import annotations

from typing import Protocol, TypeVar

from altus.wire.operations import Operation

Q = TypeVar("Q")
S = TypeVar("S")


class ReportProgress(Protocol):
    """Told the share done (0.0 to 1.0) and what is being done; `committed`: it cannot be broken off any more."""

    def __call__(self, share: float, message: str, committed: bool = False) -> None:
        """Take note."""
        ...


class Agents(Protocol):
    """The agents of all hosts."""

    async def call(self, host_id: str, operation: Operation[Q, S], request: Q, *, key: str = "", epoch: int = 0,
                   progress: ReportProgress | None = None) -> S:  # fmt: skip
        """Have the host do it. Raises the agent's own error, or `Unavailable` (`host.unreachable`) when it does not
        answer: then it is not known whether it was done. A repeated `key` joins the first call while that lasts; an
        `epoch` below one the agent has seen is refused (`lease.lost`). `progress` is told while the call lasts."""
        ...

    async def cancel(self, host_id: str, key: str) -> None:
        """Have the host break off the call with this key, if it lasts: it then raises `Cancelled`."""
        ...

    async def shown(self, host_id: str) -> int:
        """The serial number of the certificate that the host shows whoever calls it now; `Unavailable`
        (`host.unreachable`)."""
        ...

    def is_up(self, host_id: str) -> bool:
        """Whether the host's event stream is alive."""
        ...

    async def wait_up(self, host_id: str, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the host to be up; whether it is."""
        ...
