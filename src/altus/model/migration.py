"""Live migration: what may be asked of it, what is told of it, and how many at once a host bears."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class MigrationMode(StrEnum):
    """How memory comes over while the guest goes on changing it.

    `plain` sends again what was changed until little is left. `auto-converge` slows a guest down that changes more than
    is sent, soon and by much; `auto` does so gently. `post-copy` lets the guest go on there after one pass and brings
    the rest when it is needed: it always ends, but from then on there is no way back.
    """

    AUTO = "auto"
    PLAIN = "plain"
    AUTO_CONVERGE = "auto-converge"
    POST_COPY = "post-copy"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A number that may be asked for, of `unit`, from `least` to `most`, and what it means."""

    unit: str
    least: int
    most: int
    meaning: str


BANDWIDTH = Limit(unit="MIB_PER_S", least=1, most=100_000, meaning="Send at most so many MiB a second.")
DOWNTIME = Limit(unit="MS", least=1, most=30_000, meaning="Milliseconds that the guest may stand still at the end.")
MODE_MEANING = "What to do with a guest that changes its memory faster than it is sent."


@dataclass(frozen=True, kw_only=True)
class MigrationOptions:
    """How a VM is to move: `bandwidth` in MiB a second (None: as fast as it goes), `downtime` in milliseconds."""

    mode: MigrationMode = MigrationMode.AUTO
    bandwidth: int | None = None
    downtime: int = 300


@dataclass(frozen=True, kw_only=True)
class MigrationFacts:
    """How a VM came to another host: seconds in all, seconds in which its guest stood still, and bytes that were sent.
    `mode` is the one it ended in; `throttle` the most (percent) that was taken from its vCPUs' time; `dirty_rate` the
    most bytes a second that the guest was seen to change; `options` what was asked for. They are None where nobody was
    left to measure them."""

    seconds: float | None = None
    downtime: float | None = None
    bytes_sent: int | None = None
    mode: MigrationMode | None = None
    throttle: int = 0
    dirty_rate: int | None = None
    options: MigrationOptions = field(default_factory=MigrationOptions)

    @property
    def speed(self) -> float | None:
        """Bytes sent a second, if both were measured."""
        return self.bytes_sent / self.seconds if self.seconds and self.bytes_sent is not None else None


def emulated_meaning(options: MigrationOptions) -> str:
    """What is different for a guest that is emulated (TCG, see ADR 19), for whoever plans to move it."""
    if options.mode is MigrationMode.POST_COPY:
        return "stands still until it runs there, since it is emulated"
    return "stands still, since it is emulated, while what it changed during the first pass over its memory is sent"
