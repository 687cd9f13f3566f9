"""Child processes."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from altus.common.errors import Failed, Unavailable
from altus.drivers.network.ovn import process
from altus.drivers.network.ovn.datapath import generic_netlink_family


async def test_output_and_input() -> None:
    assert await process.run("cat", text="word") == "word"


async def test_a_failure_carries_the_last_words() -> None:
    with pytest.raises(Failed, match="last words") as error:
        await process.run("sh", "-c", "echo last words >&2; exit 3")
    assert error.value.code == "network.command_failed"


async def test_a_missing_program_is_named() -> None:
    with pytest.raises(Failed, match="no-such-program") as error:
        await process.run("no-such-program")
    assert error.value.code == "network.command_missing"


async def test_a_program_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_SECONDS", 0.3)
    with pytest.raises(Unavailable):
        await process.run("sh", "-c", f"echo $$ > {tmp_path}/pid; exec cat /dev/zero > /dev/null")
    _assert_gone(int((tmp_path / "pid").read_text()))


async def test_a_program_dies_with_its_caller(tmp_path: Path) -> None:
    fifo = tmp_path / "pid"
    os.mkfifo(fifo)
    caller = asyncio.create_task(process.run("sh", "-c", f"echo $$ > {fifo}; exec cat /dev/zero > /dev/null"))
    pid = int(await asyncio.to_thread(fifo.read_text))
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    _assert_gone(pid)


def _assert_gone(pid: int) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)


def test_the_kernel_is_asked_for_netlink_families() -> None:
    assert generic_netlink_family("nlctrl")
    assert not generic_netlink_family("no_such_family")
