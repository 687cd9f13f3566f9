"""How a VM moves from one fake host to another: questions and orders as lines on the control channel."""

from __future__ import annotations

import asyncio
import json

from altus.common.errors import NotFound, Unavailable
from altus.drivers.hypervisor.base import ByteStream, MigrationChannel, Move
from altus.drivers.hypervisor.fake_host import ACTIVE, FakeHost, not_running
from altus.drivers.hypervisor.migration import Here, There, leave, settle, stopped
from altus.model.vm import MigrationFacts, VmState

_BYTES = 1 << 20


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
    """See `Sides`. Nothing is ever half over: a fake takes a VM at once. `seconds` is how long that takes."""

    def __init__(self, host: FakeHost, vm_id: str, move: Move, seconds: float) -> None:
        self._host = host
        self._vm_id = vm_id
        self._move = move
        self._seconds = seconds

    async def here(self) -> Here:
        """See `Sides`."""
        return Here.ACTIVE if self._host.find(self._vm_id).state in ACTIVE else Here.NONE

    async def there(self) -> There:
        """See `Sides`."""
        return There(await self._order("look"))

    async def transfer(self) -> tuple[float, int]:
        """See `Sides`."""
        if self._host.find(self._vm_id).state is not VmState.RUNNING:
            raise not_running(self._vm_id)
        self._move.report(0.5, "half of it sent")
        try:
            await asyncio.wait_for(self._move.stop.wait(), self._seconds)
        except TimeoutError:
            self._host.enter("migrations.transfer")
            found = self._host.require_active(self._vm_id)
            await self._order("take")
            self._host.change(found, VmState.STOPPED, "stopped")
            return self._seconds, _BYTES
        raise stopped(self._vm_id)

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
    """See `Migrations`. `seconds` is how long a transfer takes."""

    def __init__(self, host: FakeHost) -> None:
        self._host = host
        self.seconds = 0.005

    async def leave(self, vm_id: str, move: Move) -> MigrationFacts:
        """See `Migrations`."""
        self._host.enter("migrations.leave")
        return await leave(vm_id, FakeSides(self._host, vm_id, move, self.seconds), move)

    async def settle(self, vm_id: str, move: Move) -> None:
        """See `Migrations`."""
        self._host.enter("migrations.settle")
        await settle(vm_id, FakeSides(self._host, vm_id, move, self.seconds), move)

    async def stream(self, vm_id: str, channel: MigrationChannel) -> ByteStream:
        """See `Migrations`: all goes over the control channel."""
        self._host.enter("migrations.stream")
        if channel is not MigrationChannel.CONTROL:
            raise NotFound("The fake sends no memory.", code="vm.channel_unknown")
        return FakeArrival(self._host, vm_id)
