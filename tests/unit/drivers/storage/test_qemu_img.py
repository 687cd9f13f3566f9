"""The qemu-img wrapper: its children never outlive their caller, and its failures are told apart."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from altus.common.errors import Failed, LimitExceeded
from altus.common.units import GIB
from altus.drivers.storage import qemu_img as module
from altus.drivers.storage.qemu_img import Limits, QemuImg
from tests.unit.drivers.storage.storage_kit import eventually


def program(folder: Path, script: str) -> str:
    """A stand-in for qemu-img."""
    path = folder / "stand-in"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def alive(pid: int) -> bool:
    """Whether this process runs; one that is only not yet waited for does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def pid_in(path: Path) -> int:
    """The pid that the stand-in wrote; 0 while it has not."""
    return int(path.read_text().strip() or 0) if path.exists() else 0


async def test_a_failure_carries_the_last_words(tmp_path: Path) -> None:
    tool = QemuImg(program(tmp_path, "echo first >&2; echo 'it burns' >&2; exit 3"))
    with pytest.raises(Failed, match="it burns") as caught:
        await tool.create(tmp_path / "x", GIB)
    assert caught.value.code == "storage.qemu_img_failed"
    assert caught.value.context["exit_code"] == 3


@pytest.mark.parametrize("words", ["No space left on device", "Disk quota exceeded"])
async def test_a_full_disk_is_recognised(tmp_path: Path, words: str) -> None:
    tool = QemuImg(program(tmp_path, f"echo 'qemu-img: error while writing at byte 0: {words}' >&2; exit 1"))
    with pytest.raises(LimitExceeded) as caught:
        await tool.resize(tmp_path / "x", GIB)
    assert caught.value.code == "storage.full"


async def test_a_missing_program_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Failed) as caught:
        await QemuImg(str(tmp_path / "nowhere")).create(tmp_path / "x", GIB)
    assert caught.value.code == "storage.qemu_img_failed"


async def test_cancelling_kills_the_child(tmp_path: Path) -> None:
    tool = QemuImg(program(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 1000"))
    call = asyncio.create_task(tool.create(tmp_path / "x", GIB))
    pid = await eventually(lambda: pid_in(tmp_path / "pid"))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not alive(pid)


async def test_a_child_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRUSTED", Limits(timeout=0.3))
    tool = QemuImg(program(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 1000"))
    with pytest.raises(Failed, match="did not end"):
        await tool.create(tmp_path / "x", GIB)
    assert not alive(pid_in(tmp_path / "pid"))


async def test_the_child_dies_with_us(tmp_path: Path) -> None:
    tool = program(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 1000")
    script = (
        "import asyncio, pathlib; from altus.drivers.storage.qemu_img import QemuImg;"
        f"asyncio.run(QemuImg({tool!r}).create(pathlib.Path('/x'), 1))"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    pid = await eventually(lambda: pid_in(tmp_path / "pid"))
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    assert await eventually(lambda: not alive(pid))


async def test_untrusted_files_are_read_under_limits(tmp_path: Path) -> None:
    tool = QemuImg(program(tmp_path, 'echo "{\\"cpu\\": $(ulimit -t), \\"memory\\": $(ulimit -v)}"'))
    assert await tool.info(tmp_path / "x", "raw") == {"cpu": 30, "memory": 2 * GIB // 1024}


async def test_progress_is_told_as_shares(tmp_path: Path) -> None:
    shares: list[float] = []
    tool = QemuImg(
        program(tmp_path, r"printf '    (0.00/100%%)\r'; printf '    (50.00/100%%)\r    (100.00/100%%)\r\n'")
    )
    await tool.convert(tmp_path / "x", "raw", tmp_path / "y", shares.append)
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
