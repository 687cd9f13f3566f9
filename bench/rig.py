"""A manager and an agent of their own for measuring: real processes, real TLS, real or fake drivers."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from altus.model.host import HostState
from altus.sdk.client import AltusClient

_BIN = Path(sys.executable).parent
_PATIENCE = 120.0
_LOOK = 1.0
_REST, _REST_OF_EACH = 0.1, 0.02
"""The share of a processor that guests take at most when they are at rest: all of a few, and each of many."""


@dataclass(frozen=True)
class Rig:
    """What benchmarks work with."""

    altus: AltusClient
    url: str
    token: str
    ca: Path
    folder: Path
    manager: psutil.Process
    agent: psutil.Process


@dataclass(frozen=True)
class ManagerRig:
    """A manager alone."""

    altus: AltusClient
    url: str
    token: str
    ca: Path
    folder: Path
    process: psutil.Process


@asynccontextmanager
async def manager_rig() -> AsyncIterator[ManagerRig]:
    """Started and logged in to; all gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="altus-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "manager.toml").write_text(
            f'state_dir = "{folder}/manager"\nport = {free_port()}\nlocal_credentials = "{folder}/login.json"\n'
            'log_level = "warning"\n'
        )
        manager = await _start("altus-manager", folder)
        await until(lambda: _true((folder / "login.json").exists()))
        manager.terminate()  # the first start migrates; what is measured is any later one
        await manager.wait()
        manager = await _start("altus-manager", folder)
        try:
            login = json.loads((folder / "login.json").read_text())
            async with AltusClient(login["url"], login["token"], Path(login["ca_file"]), patience=_PATIENCE) as altus:
                yield ManagerRig(altus, login["url"], login["token"], Path(login["ca_file"]), folder,
                                 psutil.Process(manager.pid))  # fmt: skip
        finally:
            await _end(manager)


@asynccontextmanager
async def rig(*, fake: bool) -> AsyncIterator[Rig]:
    """Started, enrolled and up; all gone afterwards."""
    async with manager_rig() as made:
        (made.folder / "agent.toml").write_text(_agent_settings(made.folder, free_port(), fake=fake))
        await _enrol(made.folder, (await made.altus.hosts.enrol_token("bench")).token)
        agent = await _start("altus-agent", made.folder)
        try:
            await until(lambda: hosts_up(made.altus, 1))
            yield Rig(made.altus, made.url, made.token, made.ca, made.folder, made.process, psutil.Process(agent.pid))
        finally:
            await _end(agent)


async def until(condition: Callable[[], Awaitable[bool]], pause: float = 0.02) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + _PATIENCE
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the rig is not ready; see its log")
        await asyncio.sleep(pause)


async def _true(value: bool) -> bool:
    return value


async def hosts_up(altus: AltusClient, count: int) -> bool:
    """Whether so many hosts are up."""
    return [host.state async for host in altus.hosts.each()].count(HostState.UP) >= count


async def guest_answers(altus: AltusClient, vm: str) -> bool:
    """Whether the guest of a VM has booted so far that its agent answers."""
    return (await altus.vms.get(vm)).guest is not None


async def guests_at_rest() -> None:
    """Until all guests have booted to their end: who still boots takes time from what is measured."""
    guests = [process for process in psutil.process_iter() if process.name().startswith("qemu-system")]
    rest = max(_REST, _REST_OF_EACH * len(guests))

    async def idle() -> bool:
        before, began = _seconds(guests), time.monotonic()
        await asyncio.sleep(_LOOK)
        return _seconds(guests) - before < rest * (time.monotonic() - began)

    await until(idle)


def _seconds(processes: list[psutil.Process]) -> float:
    """Of processor time that they took."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _agent_settings(folder: Path, port: int, *, fake: bool) -> str:
    kind = "fake" if fake else "directory"
    lines = [f'host_name = "bench"\nport = {port}\nstate_dir = "{folder}/agent"']
    if fake:
        lines.append('hypervisor = "fake"\nnetwork = "fake"')
    lines.append(f'[[storages]]\nname = "local"\nkind = "{kind}"\npath = "{folder}/storage"\nreserve = 0')
    return "\n".join(lines) + "\n"


def free_port() -> int:
    """One that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _start(program: str, folder: Path) -> asyncio.subprocess.Process:
    config = folder / f"{program.removeprefix('altus-')}.toml"
    log = (folder / f"{program}.log").open("wb")
    return await asyncio.create_subprocess_exec(str(_BIN / program), "--config", str(config), stdout=log, stderr=log)


async def _end(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    await process.wait()


async def _enrol(folder: Path, token: str) -> None:
    process = await asyncio.create_subprocess_exec(
        str(_BIN / "altus-agent"), "--config", str(folder / "agent.toml"), "enrol",
        env={**os.environ, "ALTUS_ENROL_TOKEN": token}, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    if await process.wait():
        raise RuntimeError("the enrolment failed")
