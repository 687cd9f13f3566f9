"""How a VM comes from one host to another, whatever was broken off before. One rule for all drivers.

A VM that has come over whole waits on the other host, stopped, until it has ended here: that is why it never runs
twice. Only this host lets it go on there. So whoever asks both hosts knows what to do next:

| here \\ there | none      | incoming (not whole) | waiting (whole)             | partial | running     |
|---------------|-----------|----------------------|-----------------------------|---------|-------------|
| none          | nowhere   | drop there           | let it go on there          | torn    | done        |
| leaving       | go on here| drop there           | forward: end here; back: drop there | torn | end here |
| given         | torn      | torn                 | end here                    | torn    | end here    |
| active        | transfer  | drop there           | drop there                  | on both | on both     |

Post-copy is the exception: it runs there (`partial`) before its memory is whole, and is `given` here: it can never go
on here, where some of its memory still is. What is torn then can go on nowhere: forward that is said, back it is ended,
first here, then there.

Some hypervisors lose what a guest changes while it is sent, unless whoever moves it sees to it that they do not
(`Sides.is_whole`). What waits there without anybody who has seen that is never let go: it is brought over once more.

Where disks are copied, the two hosts' disks differ as soon as it runs there. Should it then end there, it is on neither
host, as if it had never left. So this host notes that it has left before it goes on there (`Sides.note_left`).
"""

from __future__ import annotations

import time
from dataclasses import replace
from enum import StrEnum
from typing import Protocol

from altus.common.errors import Cancelled, Conflict, Failed
from altus.drivers.hypervisor.base import Move
from altus.model.migration import MigrationFacts


class Here(StrEnum):
    """What the host that the VM comes from has: `leaving` is stopped by a migration, to be ended or to go on; `given`
    is stopped by post-copy, for ever."""

    NONE = "none"
    LEAVING = "leaving"
    GIVEN = "given"
    ACTIVE = "active"


class There(StrEnum):
    """What the host that it goes to has; `partial` is what post-copy let go on there."""

    NONE = "none"
    INCOMING = "incoming"
    WAITING = "waiting"
    PARTIAL = "partial"
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
    TORN = "torn"
    ON_BOTH = "on both"


def decide(here: Here, there: There, *, forward: bool) -> Next:
    """The table above."""
    if there is There.RUNNING:
        return {Here.NONE: Next.DONE, Here.ACTIVE: Next.ON_BOTH}.get(here, Next.END_HERE)
    if there is There.PARTIAL and here is Here.ACTIVE:
        return Next.ON_BOTH
    if there is There.WAITING and (here is Here.GIVEN or (here is Here.LEAVING and forward)):
        return Next.END_HERE
    if there is There.WAITING and here is Here.NONE:
        return Next.GO_ON_THERE
    if here is Here.GIVEN or there is There.PARTIAL:
        return Next.TORN if forward else Next.DROP_THERE if here is Here.NONE else Next.END_HERE
    if there is not There.NONE:
        return Next.DROP_THERE
    return {Here.NONE: Next.NOWHERE, Here.LEAVING: Next.GO_ON_HERE}.get(here, Next.TRANSFER)


class Sides(Protocol):
    """A VM on two hosts. All calls but `transfer` are idempotent."""

    async def here(self) -> Here:
        """Look at this host."""
        ...

    async def there(self) -> There:
        """Look at the other one."""
        ...

    async def is_whole(self) -> bool:
        """Whether what waits there is known to be all of the guest that has stopped here."""
        ...

    async def transfer(self) -> MigrationFacts:
        """Bring the active VM over, where it then waits, or with post-copy runs and is whole; or not, if that has to be
        tried in another way by the next call. How it went, but for `seconds` and `options`. When it fails the VM runs
        on here, or is torn (`torn`). Raises `Cancelled` if it was told to stop in time."""
        ...

    async def note_left(self, *, left: bool) -> None:
        """Remember on this host, whatever dies, that the VM may have run there; or that it has not."""
        ...

    async def has_left(self) -> bool:
        """Whether that was noted last."""
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
    """See `Migrations.leave`. What has begun to go on there is not broken off; a guest that ends there before it is
    looked at again has moved, too."""
    began, facts, arrived, went = time.monotonic(), MigrationFacts(), 0.0, False
    while True:
        here, there = await sides.here(), await sides.there()
        doubtful = (here, there) == (Here.LEAVING, There.WAITING) and not await sides.is_whole()
        step = decide(here, there, forward=not doubtful)
        match Next.DONE if went and step is Next.NOWHERE else step:
            case Next.TRANSFER:
                if move.stop.is_set():
                    raise stopped(vm_id)
                if move.copies:
                    await sides.note_left(left=False)
                facts = await sides.transfer()
                arrived = time.monotonic()
            case Next.DONE:
                seconds = None if facts.downtime is None else time.monotonic() - began
                return replace(facts, seconds=seconds, options=move.options)
            case _:
                await _act(vm_id, step, sides, move)
                went = went or step is Next.GO_ON_THERE
                if step is Next.GO_ON_THERE and facts.downtime is not None:
                    facts = replace(facts, downtime=facts.downtime + time.monotonic() - arrived)


async def settle(vm_id: str, sides: Sides, move: Move) -> bool:
    """See `Migrations.settle`."""
    while (here := await sides.here()) is not Here.ACTIVE:
        step = decide(here, There.NONE if move.gone else await sides.there(), forward=False)
        if step is Next.DONE:
            return True
        if step is Next.NOWHERE:
            return move.copies and await sides.has_left()
        await _act(vm_id, step, sides, move)
    return False


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
            if move.copies:
                await sides.note_left(left=True)
            await sides.go_on_there()
        case Next.NOWHERE:
            raise Conflict(f"VM {vm_id} runs neither here nor where it was to go.", code="vm.not_running",
                           hint="Start it first.", vm_id=vm_id)  # fmt: skip
        case Next.TORN:
            raise torn(vm_id)
        case _:
            raise Failed(f"VM {vm_id} runs on two hosts.", code="vm.runs_twice", vm_id=vm_id,
                         hint="Cut its power on one of them at once: both write to its disks.")  # fmt: skip


def stopped(vm_id: str) -> Cancelled:
    """Somebody wanted the move to end."""
    return Cancelled("The migration was stopped; the VM runs on where it was.", code="vm.migration_stopped",
                     vm_id=vm_id)  # fmt: skip


def torn(vm_id: str) -> Failed:
    """Post-copy broke."""
    return Failed("Post-copy failed: each of two hosts has a part of the guest's memory, so it cannot go on anywhere.",
                  code="vm.post_copy_failed", hint="Start it again; its disks are as after a power cut.",
                  vm_id=vm_id)  # fmt: skip
