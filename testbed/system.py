"""A whole Altus on the test machine's own libvirt and OVN: managers, agent, and handles to break them.

with System(folder) as system:                       # only within `python -m devkit.testmachine`
    async with system.client() as altus: ...         # the SDK, as the system administrator
    system.kill("altus-agent"); system.start("altus-agent")
    system.kill("libvirtd"); system.freeze("altus-manager"); system.thaw("altus-manager")

Programs are `altus-manager` (further ones `altus-manager-2` …), `altus-agent` and all services of devkit; QEMU is found
by `qemu_pid`. Everything is kept below `folder`, but for what libvirt and OVN keep themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from altus.common.files import write_whole
from altus.sdk.client import AltusClient
from devkit import linux
from devkit.services import ServiceError
from devkit.services.plain import Plain
from devkit.services.ready import tcp
from devkit.services.runner import wait_until
from devkit.testmachine import ENVIRONMENT
from testbed.patience import SLOWNESS
from testbed.strikes import AGENT, MANAGER, StrikeFile, qemu_pid
from testbed.zygote import Zygote

SERVICES = ("libvirt", "ovn")
_FIRST_PORT = 18440
_START_SECONDS = 30.0 * SLOWNESS
_END_SECONDS = 20.0 * SLOWNESS


@dataclass
class Program:
    """A manager or the agent: how it is started, and its process while there is one."""

    name: str
    port: int
    arguments: list[str]
    log: Path
    zygote: Zygote
    pid: int | None = None


class Seen:
    """What can be seen of a system from outside."""

    folder: Path
    storage: Path
    _programs: dict[str, Program]

    def qemu_pid(self, vm_id: str) -> int | None:
        """The QEMU process of a VM."""
        return qemu_pid(vm_id)

    def virsh(self, *arguments: str) -> str:
        """What virsh prints; a VM's domain is called by its id."""
        done = subprocess.run(["virsh", "--quiet", "--connect", "qemu:///system", *arguments], check=False,
                              capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def files(self) -> set[str]:
        """Every file of the repository, relative to it, but for its lock and catalogue."""
        found = (path.relative_to(self.storage) for path in self.storage.rglob("*") if path.is_file())
        return {str(path) for path in found if len(path.parts) > 1}

    def client(self, manager: str = MANAGER, token: str | None = None) -> AltusClient:
        """The SDK, with the system administrator's token or another."""
        login = json.loads((self.folder / "credentials.json").read_text())
        url = f"https://127.0.0.1:{self._programs[manager].port}"
        return AltusClient(url, login["token"] if token is None else token, Path(login["ca_file"]), patience=60.0)

    def first_passwords(self) -> dict[str, str]:
        """Of the three administrators, by name."""
        found: dict[str, str] = json.loads((self.folder / "manager" / "first-passwords.json").read_text())
        return found


class System(Seen):
    """Made by `with`. `database` is a SQLAlchemy URL (empty: SQLite); with several managers it must be PostgreSQL. With
    a `storage_size` in bytes the repository is a file system of its own, that can be filled. `hook` is a shell script
    which the agent's qemu-img runs first, where a test put one."""

    def __init__(self, folder: Path, *, database: str = "", managers: int = 1, storage_size: int = 0,
                 lease_seconds: float = 5.0) -> None:  # fmt: skip
        assert os.environ.get(ENVIRONMENT), "run this inside the test machine: python -m devkit.testmachine"
        self.folder = folder
        self.services = Plain()
        self.strikes = StrikeFile(folder / "strikes.json")
        self.storage = folder / "storage"
        self.hook = folder / "qemu-img-hook"
        self._storage_size = storage_size
        self._database = database
        self._lease_seconds = lease_seconds
        tools = {"PATH": f"{_wrapped_tools(folder, self.hook)}:{os.environ['PATH']}"}
        self._zygotes = {name: Zygote(name, tools) for name in ("manager", "agent")}
        names = [MANAGER, *(f"{MANAGER}-{number}" for number in range(2, managers + 1))]
        self._programs = {name: self._manager(name, index) for index, name in enumerate(names)}
        self._programs[AGENT] = self._agent(AGENT, len(names))

    # -- life ----------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            if self._storage_size:
                self.storage.mkdir()
                linux.mount("tmpfs", str(self.storage), "tmpfs", data=f"size={self._storage_size},mode=755")
            self.services.start(SERVICES)
            self.start(*self.managers)
            self._enrol()
            self.start(AGENT)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """End the programs; VMs and networks are for whoever made them to remove before."""
        for zygote in self._zygotes.values():
            zygote.close()
        if self.storage.is_mount():
            subprocess.run(["umount", "--lazy", str(self.storage)], check=True)

    @property
    def managers(self) -> list[str]:
        """Names of all managers."""
        return [name for name in self._programs if name != AGENT]

    # -- programs ------------------------------------------------------------------------------------------------------

    def pid(self, name: str) -> int | None:
        """The process of a program or service; None if it does not run."""
        if name not in self._programs:
            return self.services.pid(name)
        program = self._programs[name]
        if program.pid is not None and not Path(f"/proc/{program.pid}").exists():
            program.pid = None
        return program.pid

    def start(self, *names: str) -> None:
        """Start what does not run, and wait until it answers."""
        for name in names:
            if name in self._programs:
                self._start(self._programs[name])
            else:
                self.services.start([name])

    def stop(self, name: str) -> None:
        """SIGTERM, and wait for the end."""
        self._end(name, signal.SIGTERM)

    def kill(self, name: str) -> int:
        """kill -9, and wait for the end; returns the pid it had."""
        if name not in self._programs:
            return self.services.kill(name)
        return self._end(name, signal.SIGKILL)

    def restart(self, name: str) -> None:
        """Kill it and start it."""
        self.kill(name)
        self.start(name)

    def freeze(self, name: str) -> None:
        """SIGSTOP: it lives, and does nothing."""
        os.kill(self._running(name), signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        os.kill(self._running(name), signal.SIGCONT)

    def revive(self) -> list[str]:
        """Start whatever is dead, services first; returns the names."""
        services = [state.name for state in self.services.status(SERVICES) if state.pid is None]
        dead = [*services, *(name for name in self._programs if self.pid(name) is None)]
        self.start(*dead)
        return dead

    def port(self, name: str) -> int:
        """Where a program listens on 127.0.0.1."""
        return self._programs[name].port

    def log(self, name: str) -> str:
        """All that a program has written."""
        path = self._programs[name].log
        return path.read_text(errors="replace") if path.exists() else ""

    # -- inside --------------------------------------------------------------------------------------------------------

    def _manager(self, name: str, index: int) -> Program:
        """All managers share a folder for the CA and other keys."""
        config, port = self.folder / f"{name}.toml", _FIRST_PORT + index
        _write_toml(config, {
            "state_dir": self.folder / "manager", "port": port, "database": self._database, "node": name,
            "local_credentials": self.folder / "credentials.json", "lease_seconds": self._lease_seconds,
            "log_level": "debug",
        })  # fmt: skip
        return Program(name, port, ["altus-manager", str(config), str(self.strikes.path)], self.folder / f"{name}.log",
                       self._zygotes["manager"])  # fmt: skip

    def _agent(self, name: str, index: int) -> Program:
        config, port = self.folder / f"{name}.toml", _FIRST_PORT + index
        storage = {"name": "local", "path": self.storage, **({"reserve": 0} if self._storage_size else {})}
        _write_toml(config, {"state_dir": self.folder / "agent", "port": port, "host_name": "testhost"},
                    storages=[storage])  # fmt: skip
        self.folder.chmod(0o711)  # QEMU's user passes through to its disks
        return Program(name, port, ["altus-agent", "--config", str(config)], self.folder / f"{name}.log",
                       self._zygotes["agent"])  # fmt: skip

    def _enrol(self) -> None:
        async def token() -> str:
            async with self.client() as altus:
                return (await altus.hosts.enrol_token("testhost")).token

        config = self.folder / f"{AGENT}.toml"
        program = Path(sys.executable).parent / "altus-agent"
        subprocess.run([str(program), "--config", str(config), "enrol"], check=True, capture_output=True,
                       env={**os.environ, "ALTUS_ENROL_TOKEN": asyncio.run(token())})  # fmt: skip

    def _start(self, program: Program) -> None:
        if self.pid(program.name) is None:
            program.pid = program.zygote.start(program.arguments, program.log)
            write_whole(self.folder / f"{program.name}.pid", str(program.pid).encode(), 0o600)
        answers = tcp(program.port)
        wait_until(lambda: answers() or self._ended(program), f"{program.name} answers", _START_SECONDS)

    def _running(self, name: str) -> int:
        pid = self.pid(name)
        assert pid is not None, f"{name} does not run"
        return pid

    def _ended(self, program: Program) -> bool:
        if self.pid(program.name) is None:
            raise ServiceError(f"{program.name} ended: {self.log(program.name)[-3000:]}")
        return False

    def _end(self, name: str, number: signal.Signals) -> int:
        pid = self._running(name)
        with contextlib.closing(_PidFd(pid)) as process:
            process.send(number)
            assert process.wait(_END_SECONDS), f"{name} survived {number.name}"
        self._programs[name].pid = None
        return pid


class _PidFd:
    """A process that is not our child, told from later ones with its pid."""

    def __init__(self, pid: int) -> None:
        self._descriptor = os.pidfd_open(pid)

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    def wait(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def close(self) -> None:
        os.close(self._descriptor)


def _wrapped_tools(folder: Path, hook: Path) -> Path:
    """A folder for the PATH with a qemu-img that runs the hook first."""
    tools, real = folder / "tools", shutil.which("qemu-img")
    tools.mkdir()
    wrapper = tools / "qemu-img"
    wrapper.write_text(f'#!/bin/sh\n[ -e "{hook}" ] && . "{hook}"\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    return tools


def _write_toml(path: Path, values: Mapping[str, Any], storages: Sequence[Mapping[str, Any]] = ()) -> None:
    lines = [f"{name} = {_toml(value)}" for name, value in values.items()]
    for storage in storages:
        lines += ["[[storages]]", *(f"{name} = {_toml(value)}" for name, value in storage.items())]
    text = "\n".join(lines) + "\n"
    tomllib.loads(text)
    path.write_text(text)


def _toml(value: object) -> str:
    """Paths and texts as TOML strings, which JSON's are, too."""
    return json.dumps(str(value) if isinstance(value, Path) else value)
