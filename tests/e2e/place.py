"""A manager and two hosts for the console's tests: real processes and real TLS, fake drivers where guests do not
matter."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from altus.common.ids import new_id
from altus.manager.services.hosts import ensure_defaults
from altus.manager.store import migrate
from altus.manager.store.database import Database
from altus.manager.store.resources import PROJECT
from altus.manager.store.tables import VMS
from altus.model.pool import MAX_RATIO
from altus.model.vm import PowerIntent, Vm, VmHardware, VmState
from altus.sdk.client import AltusClient
from altus.wire.pools import PoolEdit

_BIN = Path(sys.executable).parent
_PATIENCE = 60.0
HOSTS = ("alpha", "beta")


@dataclass
class Place:
    """`passwords` are the administrators' present ones."""

    folder: Path
    port: int
    passwords: dict[str, str] = field(default_factory=dict)
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the console is."""
        return f"https://127.0.0.1:{self.port}"

    def client(self) -> AltusClient:
        """The SDK, as the system administrator."""
        login = json.loads((self.folder / "login.json").read_text())
        return AltusClient(self.url, login["token"], Path(login["ca_file"]), patience=_PATIENCE)

    def do(self, work: Callable[[AltusClient], Any]) -> Any:
        """Work with the SDK from a test that is not asynchronous: in a process of its own there is no event loop of
        the browser's."""

        async def run() -> Any:
            async with self.client() as altus:
                return await work(altus)

        return _apart(run)

    def start(self, program: str, config: str) -> None:
        """Start a program and keep its output."""
        log = (self.folder / f"{config}.log").open("ab")
        command = [str(_BIN / program), "--config", str(self.folder / f"{config}.toml")]
        self._processes[config] = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)

    def stop(self, config: str) -> None:
        """End a program."""
        process = self._processes.pop(config)
        process.terminate()
        process.wait(30)

    def restart_manager(self) -> None:
        """It is away for a moment."""
        self.stop("manager")
        self.start("altus-manager", "manager")
        until(lambda: answers(self.port))

    def close(self) -> None:
        """End all."""
        for config in list(self._processes):
            self.stop(config)


def _apart(work: Callable[[], Any]) -> Any:
    """Run a coroutine function in a thread, whose loop is its own."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, asking often."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)


def answers(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(folder: Path, *, vms: int = 0) -> Iterator[Place]:
    """A place with a network, an image and two hosts; with `vms`, as many that belong to no host."""
    place = Place(folder, _free_port())
    (folder / "manager.toml").write_text(
        f'state_dir = "{folder}/manager"\nport = {place.port}\nlocal_credentials = "{folder}/login.json"\n'
        'log_level = "warning"\n'
    )
    if vms:
        (folder / "manager").mkdir()
        _apart(lambda: _write_vms(folder, vms))
    try:
        place.start("altus-manager", "manager")
        until(lambda: (folder / "login.json").exists() and answers(place.port))
        place.passwords = json.loads((folder / "manager" / "first-passwords.json").read_text())
        for host in HOSTS:
            _add_host(place, host)
        place.do(_furnish)
        yield place
    finally:
        place.close()


def _add_host(place: Place, name: str) -> None:
    config, port = place.folder / f"{name}.toml", _free_port()
    config.write_text(
        f'host_name = "{name}"\nport = {port}\nstate_dir = "{place.folder}/{name}"\nhypervisor = "fake"\n'
        f'network = "fake"\n[[storages]]\nname = "{name}-disks"\nkind = "fake"\npath = "{place.folder}/{name}-disks"\n'
        "reserve = 0\n"
    )

    async def token(altus: AltusClient) -> str:
        return (await altus.hosts.enrol_token(name)).token

    environment = {**os.environ, "ALTUS_ENROL_TOKEN": place.do(token)}
    command = [str(_BIN / "altus-agent"), "--config", str(config), "enrol"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    place.start("altus-agent", name)


async def _furnish(altus: AltusClient) -> None:
    from altus.wire.resources import ImageBuild, NetworkCreate

    async with asyncio.timeout(_PATIENCE):
        while {host.state for host in (await altus.hosts.page()).items} != {"up"}:
            await asyncio.sleep(0.05)
    await altus.pools.edit("default", PoolEdit(vcpu_ratio=MAX_RATIO, memory_ratio=MAX_RATIO))
    await altus.networks.create(NetworkCreate(name="lan", cidr="10.20.0.0/16")).run()
    await altus.images.build(ImageBuild.model_validate({"image": "tiny"})).run()


async def _write_vms(folder: Path, count: int) -> None:
    """Straight into the database: to make thousands by tasks takes minutes."""
    database = Database(f"sqlite:///{folder}/manager/altus.db")
    await migrate.upgrade(database)
    await database.write(ensure_defaults)
    states = (VmState.RUNNING, VmState.STOPPED, VmState.RUNNING, VmState.PAUSED)

    def work(tx: Any) -> None:
        project = PROJECT.all(tx)[0].id
        vms = [
            Vm(id=new_id(), name=f"vm{number:05d}", project_id=project, state=states[number % 4],
               intent=PowerIntent.STOPPED, tags=("prod" if number % 3 else "test", f"rack{number % 40}"),
               hardware=VmHardware(vcpus=1 + number % 8, memory=(1 + number % 16) << 30))
            for number in range(count)
        ]  # fmt: skip
        tx.execute(VMS.table.insert(), [VMS.dump(vm) for vm in vms])

    await database.write(work)
    database.close()


def new_password() -> str:
    """One that every policy takes."""
    return f"Correct horse {secrets.token_hex(6)}!"
