"""A transfer is stopped only where that is safe, and what came over of an emulated guest is worth nothing unless it was
seen to stand still in time."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any, cast

import libvirt
import pytest

from altus.common.units import KIB, MIB
from altus.drivers.hypervisor.base import ByteStream, MigrationChannel, Move
from altus.drivers.hypervisor.libvirt import migration_transfer
from altus.drivers.hypervisor.libvirt.migration_job import Order, break_off
from altus.drivers.hypervisor.libvirt.migration_latch import Latch
from altus.drivers.hypervisor.libvirt.migration_transfer import Transfer
from altus.model.migration import MigrationFacts

_MEMORY = 128 * MIB


class Domain:
    """What libvirt says of a VM that moves. It has come over when all of its memory was let through, and fails when it
    is stopped or its stream ends."""

    def __init__(self, *, left: int, passes: int = 1, state: int = libvirt.VIR_DOMAIN_RUNNING) -> None:
        self.left = left
        self.passes = passes
        self.now = state
        self.stops = 0
        self.ended = threading.Event()
        self.failed = False

    def jobStats(self) -> dict[str, Any]:  # noqa: N802 - the name is libvirt's
        return {
            "operation": libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT, "memory_total": _MEMORY,
            "memory_remaining": self.left, "memory_iteration": self.passes,
        }  # fmt: skip

    def maxMemory(self) -> int:  # noqa: N802 - the name is libvirt's
        return _MEMORY // KIB

    def state(self) -> tuple[int, int]:
        return self.now, 0

    def suspend(self) -> None:
        self.now = libvirt.VIR_DOMAIN_PAUSED

    def abortJob(self) -> None:  # noqa: N802 - the name is libvirt's
        self.stops += 1
        self.end(failed=True)

    def end(self, *, failed: bool) -> None:
        """The transfer is over."""
        self.failed = failed
        self.ended.set()


async def _nowhere(_channel: MigrationChannel) -> ByteStream:
    raise AssertionError


async def _switch() -> None:
    raise AssertionError


def _move() -> Move:
    return Move(reach=_nowhere, switch=_switch, report=lambda _share, _text, _committed=False: None,
                stop=asyncio.Event())  # fmt: skip


async def _sent(domain: Domain, move: Move, latch: Latch, monkeypatch: pytest.MonkeyPatch, *,
                emulated: bool = True, copies: bool = False) -> tuple[Transfer, MigrationFacts | None]:  # fmt: skip
    """The transfer at its end, and its facts unless it failed. QEMU has sent all that it has when it begins."""

    def send(*_arguments: object) -> dict[str, Any]:
        domain.ended.wait()
        if domain.failed:
            raise libvirt.libvirtError("it failed")
        return {}

    monkeypatch.setattr(migration_transfer, "send", send)
    order = Order(options=move.options, definition="", door=Path(), memory=_MEMORY, emulated=emulated, copies=copies)
    transfer = Transfer(cast("libvirt.virDomain", domain), cast("libvirt.virConnect", None), move, order, latch)
    stream = asyncio.StreamReader()
    stream.feed_data(b"memory")

    async def come_over() -> None:
        came = [data async for data in latch.through(stream, 100)]
        domain.end(failed=b"".join(came) != b"memory")

    stream.feed_eof()
    coming = asyncio.ensure_future(come_over()) if emulated else None
    try:
        return transfer, await asyncio.wait_for(transfer.run(), 20)
    except libvirt.libvirtError:
        return transfer, None
    finally:
        if coming is not None:
            await coming


@pytest.mark.parametrize("copies", [False, True])
async def test_a_guest_that_stands_still_in_time_comes_over(monkeypatch: pytest.MonkeyPatch, copies: bool) -> None:
    domain, latch = Domain(left=MIB), Latch()
    transfer, facts = await _sent(domain, _move(), latch, monkeypatch, copies=copies)
    assert facts is not None
    assert domain.now == libvirt.VIR_DOMAIN_PAUSED
    assert (transfer.missed, transfer.aborted, domain.stops) == (False, False, 0)


@pytest.mark.parametrize("copies", [False, True])
async def test_one_that_did_not_is_cut_and_not_stopped(monkeypatch: pytest.MonkeyPatch, copies: bool) -> None:
    domain, latch = Domain(left=MIB, passes=2), Latch()
    transfer, facts = await _sent(domain, _move(), latch, monkeypatch, copies=copies)
    assert facts is None
    assert (transfer.missed, transfer.aborted, domain.stops) == (True, False, 0)


async def test_a_move_is_stopped_while_the_guest_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    domain, move = Domain(left=0), _move()
    move.stop.set()
    transfer, facts = await _sent(domain, move, Latch(), monkeypatch, emulated=False)
    assert facts is None
    assert transfer.aborted
    assert domain.stops


@pytest.mark.parametrize(("left", "passes", "state", "stopped"), [
    (100 * MIB, 3, libvirt.VIR_DOMAIN_RUNNING, True), (MIB, 3, libvirt.VIR_DOMAIN_RUNNING, True),
    (100 * MIB, 1, libvirt.VIR_DOMAIN_PAUSED, True), (0, 0, libvirt.VIR_DOMAIN_PAUSED, True),
    (MIB, 1, libvirt.VIR_DOMAIN_PAUSED, False), (0, 3, libvirt.VIR_DOMAIN_PAUSED, False),
])  # fmt: skip
def test_a_migration_is_broken_off_at_any_time_but_the_very_end(left: int, passes: int, state: int,
                                                                stopped: bool) -> None:  # fmt: skip
    domain = Domain(left=left, passes=passes, state=state)
    assert break_off(cast("libvirt.virDomain", domain)) is stopped
    assert domain.stops == stopped
