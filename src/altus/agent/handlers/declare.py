"""How a handler is declared: which operation, what does it, and what it must not overlap with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from altus.agent.drivers import HostDrivers
from altus.wire.operations import Message, Operation

Q = TypeVar("Q", bound=Message)
S = TypeVar("S", bound=Message)


class Report(Protocol):
    """Told the share done (0.0 to 1.0) and what is being done, from the event loop; `committed`: it cannot be broken
    off any more."""

    def __call__(self, share: float, text: str, committed: bool = False) -> None:
        """Take note."""
        ...


def _never(_request: Message) -> bool:
    """Most operations cost next to nothing."""
    return False


@dataclass(frozen=True, kw_only=True)
class Handler(Generic[Q, S]):
    """Does one operation.

    `about` names the object it changes: operations about the same one run one at a time, in order of arrival; None for
    operations that only read, which are never held up and need no lease. `heavy` tells whether a request moves so many
    bytes that only a few such may run at once.
    """

    operation: Operation[Q, S]
    run: Callable[[HostDrivers, Q, Report], Awaitable[S]]
    about: Callable[[Q], str] | None
    heavy: Callable[[Q], bool] = _never

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.about is None
