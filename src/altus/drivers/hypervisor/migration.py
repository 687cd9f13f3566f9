"""How a VM comes from one host to another, whatever was broken off before. One rule for all drivers.

A VM that has come over whole waits on the other host, stopped, until it has ended here: that is why it never runs
twice. Only this host lets it go on there. So whoever asks both hosts knows what to do next:

| here \\ there | none      | incoming (not whole) | waiting (whole)             | running     |
|---------------|-----------|----------------------|-----------------------------|-------------|
| none          | nowhere   | drop there           | let it go on there          | done        |
| leaving       | go on here| drop there           | forward: end here; back: drop there | end here |
| active        | transfer  | drop there           | drop there                  | on both     |
"""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Protocol

from altus.common.errors import Cancelled, Conflict, Failed
from altus.drivers.hypervisor.base import Move
from altus.model.vm import MigrationFacts


class Here(StrEnum):
    """What the host that the VM comes from has: `leaving` is stopped by a migration, to be ended or to go on."""

    NONE = "none"
    LEAVING = "leaving"
    ACTIVE = "active"


class There(StrEnum):
    """What the host that it goes to has."""

    NONE = "none"
    INCOMING = "incoming"
    WAITING = "waiting"
    RUNNING = "running"


class Next(StrEnum):
    """What is to be done."""

    TRANSFER = "transfer"
    DROP_THERE = "drop there"
    END_HERE = "end here"
    GO_ON_HERE = "go on here"
    GO_ON_THERE = "go on there"
    DONE = "done"
    NOWHERE = "nowhere"
    ON_BOTH = "on both"


def decide(here: Here, there: There, *, forward: bool) -> Next:
    """The table above."""
    if there is There.RUNNING:
        return {Here.NONE: Next.DONE, Here.LEAVING: Next.END_HERE, Here.ACTIVE: Next.ON_BOTH}[here]
    if there is There.WAITING and here is Here.NONE:
        return Next.GO_ON_THERE
    if there is There.WAITING and here is Here.LEAVING and forward:
        return Next.END_HERE
    if there is not There.NONE:
        return Next.DROP_THERE
    return {Here.NONE: Next.NOWHERE, Here.LEAVING: Next.GO_ON_HERE, Here.ACTIVE: Next.TRANSFER}[here]


class Sides(Protocol):
    """A VM on two hosts. All calls but `transfer` are idempotent."""

    async def here(self) -> Here:
        """Look at this host."""
        ...

    async def there(self) -> There:
        """Look at the other one."""
        ...

    async def transfer(self) -> tuple[float, int]:
        """Bring the active VM over, where it then waits: seconds for which it has stood still, and bytes sent. When it
        fails the VM runs on here. Raises `Cancelled` if it was told to stop in time."""
        ...

    async def drop_there(self) -> None:
        """End a copy that does not run."""
        ...

    async def end_here(self) -> None:
        """End the copy that has left."""
        ...

    async def go_on_here(self) -> None:
        """Let what was to leave run on."""
        ...

    async def go_on_there(self) -> None:
        """Let the copy that waits run."""
        ...


async def leave(vm_id: str, sides: Sides, move: Move) -> MigrationFacts:
    """See `Migrations.leave`. What has begun to go on there is not broken off."""
    began, stood, sent, left = time.monotonic(), None, None, 0.0
    while True:
        match decide(await sides.here(), await sides.there(), forward=True):
            case Next.TRANSFER:
                if move.stop.is_set():
                    raise stopped(vm_id)
                stood, sent = await sides.transfer()
                left = time.monotonic()
            case Next.DONE:
                seconds = None if stood is None else time.monotonic() - began
                return MigrationFacts(seconds=seconds, downtime=stood, bytes_sent=sent)
            case step:
                await _act(vm_id, step, sides, move)
                if step is Next.GO_ON_THERE and stood is not None:
                    stood += time.monotonic() - left


async def settle(vm_id: str, sides: Sides, move: Move) -> None:
    """See `Migrations.settle`."""
    while (here := await sides.here()) is not Here.ACTIVE:
        step = decide(here, await sides.there(), forward=False)
        if step in (Next.DONE, Next.NOWHERE):
            return
        await _act(vm_id, step, sides, move)


async def _act(vm_id: str, step: Next, sides: Sides, move: Move) -> None:
    match step:
        case Next.DROP_THERE:
            await sides.drop_there()
        case Next.END_HERE:
            await sides.end_here()
        case Next.GO_ON_HERE:
            await sides.go_on_here()
        case Next.GO_ON_THERE:
            await move.switch()
            await sides.go_on_there()
        case Next.NOWHERE:
            raise Conflict(f"VM {vm_id} runs neither here nor where it was to go.", code="vm.not_running",
                           hint="Start it first.", vm_id=vm_id)  # fmt: skip
        case _:
            raise Failed(f"VM {vm_id} runs on two hosts.", code="vm.runs_twice", vm_id=vm_id,
                         hint="Cut its power on one of them at once: both write to its disks.")  # fmt: skip


def stopped(vm_id: str) -> Cancelled:
    """Somebody wanted the move to end."""
    return Cancelled("The migration was stopped; the VM runs on where it was.", code="vm.migration_stopped",
                     vm_id=vm_id)  # fmt: skip
