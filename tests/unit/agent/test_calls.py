"""Calls: joined by key, one at a time per object, fenced by epoch, cancelled cleanly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from altus.agent.calls import Calls
from altus.agent.drivers import HostDrivers
from altus.agent.epochs import Epochs
from altus.agent.execution import Execution
from altus.agent.handlers.declare import Handler, Report
from altus.agent.handlers.table import HANDLERS
from altus.common.errors import AltusError, Conflict, InvalidInput, NotFound, Unavailable
from altus.wire.agent import CallLine
from altus.wire.operations import (
    OPERATIONS,
    VM_DEFINE,
    VM_OBSERVE,
    VM_PAUSE,
    VM_START,
    VOLUME_CREATE,
    Nothing,
    VmRef,
    VolumeCreate,
)
from tests.unit.agent.waiting import until

BODY = VmRef(vm_id="a").model_dump_json().encode()


class Work:
    """Handlers that wait until they are let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.cleaned = False
        self.at_once = self.most = 0
        self.go = asyncio.Event()

    async def vm(self, _host: HostDrivers, request: VmRef, report: Report) -> Nothing:
        self.begun.append(request.vm_id)
        try:
            report(0.5, "half")
            await self.go.wait()
        except asyncio.CancelledError:
            self.cleaned = True
            raise
        self.ended.append(request.vm_id)
        return Nothing()

    async def volume(self, _host: HostDrivers, request: VolumeCreate, report: Report) -> Nothing:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        return Nothing()

    async def fault(self, _host: HostDrivers, request: VmRef, report: Report) -> Nothing:
        raise ZeroDivisionError("/etc/secret")

    def handlers(self) -> dict[str, Handler]:  # type: ignore[type-arg]
        about: Callable[[VmRef], str] = lambda request: request.vm_id  # noqa: E731
        start = Handler(operation=VM_START, run=self.vm, about=about)  # type: ignore[arg-type]
        pause = Handler(operation=VM_PAUSE, run=self.fault, about=about)  # type: ignore[arg-type]
        observe = Handler(operation=VM_OBSERVE, run=self.vm, about=None)  # type: ignore[arg-type]
        create = Handler(operation=VOLUME_CREATE, run=self.volume, about=lambda q: q.volume_id,  # type: ignore[arg-type]
                         heavy=lambda q: q.size > 1)  # fmt: skip
        return {handler.operation.name: handler for handler in (start, pause, observe, create)}


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def calls(work: Work, drivers: HostDrivers, tmp_path: Path) -> Calls:
    return Calls(drivers, Epochs(tmp_path / "epoch"), work.handlers())


async def all_lines(execution: Execution, keepalive: float = 2.0) -> list[CallLine]:
    return [line async for line in execution.lines(keepalive)]


async def error_of(execution: Execution) -> dict[str, object]:
    last = (await all_lines(execution))[-1]
    assert last.error is not None
    return last.error


def test_every_operation_has_its_handler() -> None:
    assert {name: handler.operation for name, handler in HANDLERS.items()} == OPERATIONS


async def test_call_tells_progress_then_result(calls: Calls, work: Work) -> None:
    execution = await calls.start("vm.start", BODY, key="k")
    lines = asyncio.create_task(all_lines(execution))
    await until(lambda: work.begun)
    await asyncio.sleep(0.01)
    work.go.set()
    told = await lines
    assert CallLine(progress=0.5, message="half") in told
    assert told[-1] == CallLine(result={})
    await until(lambda: calls.running == 0)
    assert calls.ended == {("vm.start", "done"): 1}


async def test_silent_work_gives_signs_of_life(calls: Calls, work: Work) -> None:
    execution = await calls.start("vm.start", BODY)
    alive = 0
    async for line in execution.lines(0.01):
        alive += line.alive
        if alive == 3:
            work.go.set()
    assert alive >= 3


async def test_same_key_joins_and_is_done_once(calls: Calls, work: Work) -> None:
    first = await calls.start("vm.start", BODY, key="k")
    await until(lambda: work.begun)
    second = await calls.start("vm.start", BODY, key="k")
    assert second is first
    both = asyncio.gather(all_lines(first), all_lines(second))
    work.go.set()
    one, other = await both
    assert one[-1] == other[-1] == CallLine(result={})
    assert work.begun == ["a"]


async def test_key_of_another_operation_is_refused(calls: Calls, work: Work) -> None:
    await calls.start("vm.start", BODY, key="k")
    with pytest.raises(Conflict) as caught:
        await calls.start("vm.pause", BODY, key="k")
    assert caught.value.code == "call.key_reused"
    work.go.set()


async def test_finished_key_is_done_again(calls: Calls, work: Work) -> None:
    work.go.set()
    for _ in range(2):
        await all_lines(await calls.start("vm.start", BODY, key="k"))
        await until(lambda: calls.running == 0)
    assert work.begun == ["a", "a"]


async def test_one_object_is_worked_on_in_order_of_arrival(calls: Calls, work: Work) -> None:
    executions = [await calls.start("vm.start", BODY, key=str(n)) for n in range(3)]
    other = await calls.start("vm.start", VmRef(vm_id="b").model_dump_json().encode())
    await until(lambda: "b" in work.begun)
    assert work.begun.count("a") == 1
    work.go.set()
    for execution in (*executions, other):
        await all_lines(execution)
    assert work.begun.count("a") == 3
    assert len(calls._lanes) == 0


async def test_reading_is_not_held_up(calls: Calls, work: Work) -> None:
    await calls.start("vm.start", BODY)
    await calls.start("vm.observe", BODY)
    await until(lambda: work.begun == ["a", "a"])
    work.go.set()


async def test_only_four_heavy_calls_at_once(calls: Calls, work: Work) -> None:
    bodies = [VolumeCreate(storage_id="s", volume_id=str(n), size=2).model_dump_json().encode() for n in range(12)]
    executions = [await calls.start("volume.create", body) for body in bodies]
    await asyncio.gather(*map(all_lines, executions))
    assert work.most == 4


async def test_cancel_returns_when_the_work_has_cleaned_up(calls: Calls, work: Work) -> None:
    execution = await calls.start("vm.start", BODY, key="k")
    await until(lambda: work.begun)
    assert await calls.cancel("k")
    assert work.cleaned
    assert (await error_of(execution))["code"] == "call.cancelled"
    assert (await error_of(execution))["kind"] == "cancelled"
    assert not await calls.cancel("k")


async def test_cancel_of_what_still_waits_ends_it_unbegun(calls: Calls, work: Work) -> None:
    await calls.start("vm.start", BODY, key="first")
    waiting = await calls.start("vm.start", BODY, key="second")
    assert await calls.cancel("second")
    assert (await error_of(waiting))["code"] == "call.cancelled"
    assert work.begun == ["a"]
    work.go.set()


async def test_cancel_before_the_first_turn_of_the_loop_is_answered(calls: Calls, work: Work) -> None:
    execution = await calls.start("vm.start", BODY, key="k")
    assert await calls.cancel("k")
    assert (await error_of(execution))["code"] == "call.cancelled"
    assert work.begun == []


async def test_closing_tells_callers_to_come_again(calls: Calls, work: Work) -> None:
    execution = await calls.start("vm.start", BODY, key="k")
    await until(lambda: work.begun)
    await calls.close()
    assert work.cleaned
    error = await error_of(execution)
    assert (error["kind"], error["code"]) == ("unavailable", "host.stopping")
    with pytest.raises(Unavailable):
        await calls.start("vm.start", BODY)


async def test_fault_of_ours_tells_no_internals(calls: Calls) -> None:
    error = await error_of(await calls.start("vm.pause", BODY))
    assert error["kind"] == "internal"
    assert "secret" not in str(error)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"vm_id": 3}', b'{"vm_id": "a", "more": 1}', b"\xff"])
async def test_malformed_request_is_refused(calls: Calls, body: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        await calls.start("vm.start", body)
    assert caught.value.code == "call.invalid_request"


async def test_refusal_of_a_request_tells_no_secret(drivers: HostDrivers, tmp_path: Path) -> None:
    body = b'{"vm": {}, "seed": {"password": ["hunter2"]}}'
    with pytest.raises(InvalidInput) as caught:
        await Calls(drivers, Epochs(tmp_path / "epoch")).start(VM_DEFINE.name, body)
    assert "hunter2" not in str(caught.value.to_dict())


async def test_unknown_operation_is_not_found(calls: Calls) -> None:
    with pytest.raises(NotFound):
        await calls.start("vm.explode", BODY)


async def test_older_epoch_is_refused_also_after_a_restart(calls: Calls, work: Work, drivers: HostDrivers,
                                                           tmp_path: Path) -> None:  # fmt: skip
    work.go.set()
    await all_lines(await calls.start("vm.start", BODY, epoch=7))
    reborn = Calls(drivers, Epochs(tmp_path / "epoch"), work.handlers())
    for agent in (calls, reborn):
        with pytest.raises(AltusError) as caught:
            await agent.start("vm.start", BODY, epoch=6)
        assert (caught.value.kind, caught.value.code) == ("unavailable", "lease.lost")
    assert (await all_lines(await reborn.start("vm.start", BODY, epoch=7)))[-1].result == {}


async def test_reading_needs_no_epoch(calls: Calls, work: Work) -> None:
    work.go.set()
    await all_lines(await calls.start("vm.start", BODY, epoch=7))
    assert (await all_lines(await calls.start("vm.observe", BODY)))[-1].result == {}


async def test_what_waited_while_another_manager_came_is_not_begun(calls: Calls, work: Work) -> None:
    await calls.start("vm.start", BODY, epoch=1)
    waiting = await calls.start("vm.start", BODY, epoch=1)
    newer = await calls.start("vm.start", VmRef(vm_id="b").model_dump_json().encode(), epoch=2)
    work.go.set()
    assert (await error_of(waiting))["code"] == "lease.lost"
    assert (await all_lines(newer))[-1].result == {}
    assert work.begun == ["a", "b"]
