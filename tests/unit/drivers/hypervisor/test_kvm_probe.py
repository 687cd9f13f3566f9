"""The probe tells a hypervisor that runs guests from one that does not, and leaves no process behind."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from altus.drivers.hypervisor.kvm_probe import boot_sector, probe_kvm


def _program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_boot_sector_is_one_that_a_bios_boots() -> None:
    sector = boot_sector()
    assert len(sector) == 512
    assert sector.endswith(b"\x55\xaa")


@pytest.mark.functional
async def test_boot_sector_runs_to_its_end() -> None:
    verdict = await probe_kvm(accelerator="tcg", seconds=60)
    assert verdict.usable, verdict.reason


async def test_exit_status_of_the_boot_sector_means_usable(tmp_path: Path) -> None:
    assert (await probe_kvm(accelerator="tcg", qemu=_program(tmp_path / "qemu", "exit 85"))).usable


async def test_other_ends_are_told_with_qemus_words(tmp_path: Path) -> None:
    verdict = await probe_kvm(accelerator="tcg", qemu=_program(tmp_path / "qemu", "echo no such thing >&2; exit 1"))
    assert not verdict.usable
    assert "no such thing" in verdict.reason


async def test_missing_qemu_is_told(tmp_path: Path) -> None:
    verdict = await probe_kvm(accelerator="tcg", qemu=str(tmp_path / "none"))
    assert not verdict.usable
    assert "not installed" in verdict.reason


async def test_guest_that_does_not_end_is_killed(tmp_path: Path) -> None:
    qemu = _program(tmp_path / "qemu", f"echo $$ > {tmp_path}/pid; exec sleep 600")
    verdict = await probe_kvm(accelerator="tcg", seconds=1, qemu=qemu)
    assert not verdict.usable
    assert "did not finish within 1 s" in verdict.reason
    assert not _alive(int((tmp_path / "pid").read_text()))


async def test_cancelled_probe_kills_its_guest(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    qemu = _program(tmp_path / "qemu", f"echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 600")
    probing = asyncio.ensure_future(probe_kvm(accelerator="tcg", seconds=600, qemu=qemu))
    async with asyncio.timeout(20):
        while not pid.exists():
            await asyncio.sleep(0.01)
    probing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probing
    assert not _alive(int(pid.read_text()))
