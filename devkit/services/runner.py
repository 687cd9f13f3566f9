"""What every way of running services offers."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from devkit import progress
from devkit.services.declared import Service, ServiceError

READY_SECONDS = 60.0
STOP_SECONDS = 20.0
_POLL_SECONDS = 0.02
_TAIL_LINES = 15


@dataclass(frozen=True)
class State:
    """What is known of one service: its process (None: not running) and whether it answers."""

    name: str
    pid: int | None
    ready: bool


class Runner(Protocol):
    """Runs services by name or by group name; every call may be repeated."""

    def start(self, names: Iterable[str]) -> None:
        """Start what does not run, in declared order, and wait until each answers; ServiceError if one does not."""

    def stop(self, names: Iterable[str]) -> None:
        """Stop what runs, in reverse order, and wait until each is gone."""

    def status(self, names: Iterable[str]) -> list[State]:
        """What runs now."""


def wait_until(condition: Callable[[], bool], what: str, seconds: float, *, poll: float = _POLL_SECONDS) -> None:
    """Ask every `poll` seconds until `condition` holds; ServiceError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ServiceError(f"{what}: still not after {seconds:.0f} s")
        time.sleep(poll)


def wait_ready(service: Service, alive: Callable[[], bool]) -> None:
    """Wait until `service` answers, then configure it; ServiceError as soon as its process is gone."""

    def answers() -> bool:
        if service.ready():
            return True
        if not alive():
            raise ServiceError(f"{service.name} ended before it answered; {service.log} ends with:\n{_tail(service)}")
        return False

    with progress.waiting(f"{service.name} answers"):
        wait_until(answers, f"{service.name} answers (see {service.log})", READY_SECONDS)
        service.configure()


def _tail(service: Service) -> str:
    if not service.log.exists():
        return "(nothing)"
    return "\n".join(service.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
