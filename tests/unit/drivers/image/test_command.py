"""Tools are run to their end or killed, and say why they failed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from altus.common.errors import Failed
from altus.drivers.image.command import TOOL_PACKAGES, require_tools, run


async def test_output_is_returned_and_input_given() -> None:
    assert await run("cat", stdin=b"hello") == "hello"


async def test_failure_names_the_tool_and_its_last_words() -> None:
    with pytest.raises(Failed, match=r"sh ended with 3: .*reason 20") as error:
        await run("sh", "-c", "for i in $(seq 20); do echo reason $i >&2; done; exit 3")
    assert error.value.code == "image.build_failed"
    assert "reason 1 /" not in error.value.message


async def test_lines_of_standard_error_are_told_as_they_come() -> None:
    lines: list[str] = []
    await run("sh", "-c", "echo one >&2; echo two >&2", on_line=lines.append)
    assert lines == ["one", "two"]


async def test_cancelled_call_kills_the_tool_and_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    task = asyncio.create_task(run("sh", "-c", f"sleep 100 & echo $$ $! > {pids}.new; mv {pids}.new {pids}; wait"))
    async with asyncio.timeout(60):
        while not pids.exists():
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(60):
        while any(_runs(int(pid)) for pid in pids.read_text().split()):
            await asyncio.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"  # a killed orphan waits for whoever adopted it


def test_missing_tools_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    require_tools("cp")
    monkeypatch.setattr("altus.drivers.image.command._SEARCH", "/nonexistent")
    with pytest.raises(Failed) as error:
        require_tools("mcopy", "mmd", "sfdisk")
    assert error.value.code == "image.tool_missing"
    assert error.value.hint == "Install with: apt-get install fdisk mtools"
    assert TOOL_PACKAGES["sfdisk"] == "fdisk"
