"""How a VM moves from one fake host to another: questions and orders as lines on the control channel."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import time

from altus.common.errors import NotFound, Unavailable
from altus.common.units import format_size
from altus.drivers.hypervisor.base import ByteStream, MigrationChannel, Move
from altus.drivers.hypervisor.fake_host import ACTIVE, FakeHost, not_running
from altus.drivers.hypervisor.migration import Here, There, leave, settle, stopped
from altus.model.migration import MigrationFacts, MigrationMode
from altus.model.vm import VmState

_BYTES = 1 << 20
_LOOK = 0.05


class FakeArrival:
    """The far end of the control channel, a `ByteStream`: each line written is an order, each line read its answer."""

    def __init__(self, host: FakeHost, vm_id: str) -> None:
        self._host = host
        self._vm_id = vm_id
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def read(self) -> bytes:
        """The next answer; empty at the end."""
        return await self._answers.get()

    async def write(self, data: bytes) -> None:
        """An order."""
        order = json.loads(data)
        try:
            answer = self._obey(order)
        except Unavailable:
            await self.close()
        else:
            self._answers.put_nowait(json.dumps(answer).encode() + b"\n")

    async def close(self) -> None:
        """End it."""
        self._answers.put_nowait(b"")

    def _obey(self, order: str) -> str:
        self._host.enter("migrations.stream")
        found = self._host.find(self._vm_id)
        if order == "drop" and found.state is not VmState.STOPPED:
            self._host.change(found, VmState.STOPPED, "power cut")
        elif order == "take":
            self._host.change(found, VmState.PAUSED, "arrived")
        elif order == "go on" and found.state is not VmState.RUNNING:
            self._host.change(found, VmState.RUNNING, "resumed")
            self._host.agent_connects(self._vm_id)
        states = {VmState.RUNNING: There.RUNNING, VmState.PAUSED: There.WAITING}
        return states.get(self._host.find(self._vm_id).state, There.NONE)


class FakeSides:
    """See `Sides`. Nothing is ever half over: a fake takes a VM at once, with post-copy too. `ways` is how it goes."""

    def __init__(self, host: FakeHost, vm_id: str, move: Move, ways: FakeMigrations) -> None:
        self._host = host
        self._vm_id = vm_id
        self._move = move
        self._ways = ways

    async def here(self) -> Here:
        """See `Sides`."""
        return Here.ACTIVE if self._host.find(self._vm_id).state in ACTIVE else Here.NONE

    async def there(self) -> There:
        """See `Sides`."""
        return There(await self._order("look"))

    async def is_whole(self) -> bool:
        """See `Sides`."""
        return True

    async def transfer(self) -> MigrationFacts:
        """See `Sides`."""
        if self._host.find(self._vm_id).state is not VmState.RUNNING:
            raise not_running(self._vm_id)
        if self._move.copies:
            self._move.report(0.1, f"disks: {format_size(_BYTES)} of {format_size(2 * _BYTES)} copied")
            if await self._is_stopped(self._move.stop):
                raise stopped(self._vm_id)
        committed = self._move.options.mode is MigrationMode.POST_COPY
        self._move.report(0.5, "half of it sent", committed)
        if await self._is_stopped(asyncio.Event() if committed else self._move.stop):
            raise stopped(self._vm_id)
        self._host.enter("migrations.transfer")
        found = self._host.require_active(self._vm_id)
        await self._order("take")
        self._host.change(found, VmState.STOPPED, "stopped")
        return self._facts()

    async def _is_stopped(self, stop: asyncio.Event) -> bool:
        """Whether it was stopped before the time was over, which may be changed meanwhile."""
        began = time.monotonic()
        while (left := began + self._ways.seconds - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(stop.wait(), min(left, _LOOK))
        return False

    def _facts(self) -> MigrationFacts:
        mode, rate = self._move.options.mode, self._ways.dirty_rate
        if mode is MigrationMode.AUTO:
            mode = MigrationMode.AUTO_CONVERGE if rate else MigrationMode.PLAIN
        throttle = 10 if mode is MigrationMode.AUTO_CONVERGE else 0
        return MigrationFacts(downtime=self._ways.seconds, bytes_sent=_BYTES, mode=mode, throttle=throttle,
                              dirty_rate=rate)  # fmt: skip

    async def note_left(self, *, left: bool) -> None:
        """See `Sides`."""
        self._host.save(dataclasses.replace(self._host.find(self._vm_id), left=left), "noted")

    async def has_left(self) -> bool:
        """See `Sides`."""
        return self._host.find(self._vm_id).left

    async def drop_there(self) -> None:
        """See `Sides`."""
        await self._order("drop")

    async def end_here(self) -> None:
        """See `Sides`."""
        self._host.change(self._host.find(self._vm_id), VmState.STOPPED, "power cut")

    async def go_on_here(self) -> None:
        """See `Sides`."""
        self._host.change(self._host.find(self._vm_id), VmState.RUNNING, "resumed")

    async def go_on_there(self) -> None:
        """See `Sides`."""
        await self._order("go on")

    async def _order(self, order: str) -> str:
        stream: ByteStream = await self._move.reach(MigrationChannel.CONTROL)
        try:
            await stream.write(json.dumps(order).encode() + b"\n")
            answer = await stream.read()
        finally:
            await stream.close()
        if not answer:
            raise Unavailable("The other host does not answer.", code="hypervisor.unavailable")
        return str(json.loads(answer))


class FakeMigrations:
    """See `Migrations`. `seconds` is how long a transfer takes, `dirty_rate` how many bytes a second guests change."""

    def __init__(self, host: FakeHost) -> None:
        self._host = host
        self.seconds = 0.005
        self.dirty_rate = 0

    async def leave(self, vm_id: str, move: Move) -> MigrationFacts:
        """See `Migrations`."""
        self._host.enter("migrations.leave")
        return await leave(vm_id, FakeSides(self._host, vm_id, move, self), move)

    async def settle(self, vm_id: str, move: Move) -> bool:
        """See `Migrations`."""
        self._host.enter("migrations.settle")
        return await settle(vm_id, FakeSides(self._host, vm_id, move, self), move)

    async def stream(self, vm_id: str, channel: MigrationChannel) -> ByteStream:
        """See `Migrations`: all goes over the control channel."""
        self._host.enter("migrations.stream")
        if channel is not MigrationChannel.CONTROL:
            raise NotFound("The fake sends no memory.", code="vm.channel_unknown")
        return FakeArrival(self._host, vm_id)
