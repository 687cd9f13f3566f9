"""A lab as its users have it.

with Lab() as lab:                      # ends, with all its machines, at the end of the block
    lab.up(3)
    lab.run("host1", "virsh", "list")
    async with lab.client() as altus: ...
    lab.kill("host2"); lab.power_on("host2")
    lab.cut("host1", "management"); lab.heal("host1")
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from devkit import progress
from devkit.checks import ROOT
from devkit.lab import control, places, remains
from devkit.lab.places import LabError
from devkit.lab.status import MachineStatus
from devkit.machine import ENVIRONMENT, locked
from devkit.services import processes

if TYPE_CHECKING:
    from altus.sdk.client import AltusClient

_START_SECONDS = 30.0
_END_SECONDS = 20.0
_POLL = 0.05


class Lab:
    """The lab of this machine, or of the test machine we are in; whether one is up is found out with each call."""

    def __init__(self) -> None:
        self.folder = places.root()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        self.down()

    # -- life ----------------------------------------------------------------------------------------------------------

    def up(self, hosts: int, *, managers: int = 0, furnish: bool = False) -> None:
        """At least so many hosts, up in the pool; with `furnish` the image `tiny` on their shared storage. May be
        repeated, and adds hosts to those that are there. With several `managers` (0: one, or as it is) they are on
        PostgreSQL; how many there are is settled by the first call."""
        places.host_name(hosts)
        if self.supervisor() is None:
            self._start(managers or 1)
        elif managers and places.manager_name(managers) != self._managers()[-1]:
            raise LabError(f"the lab has {len(self._managers())} managers: `./dev lab down` ends it")
        control.order(self.folder, "up", hosts=hosts, furnish=furnish)

    def down(self) -> None:
        """End the lab and remove all of it; nothing to do is fine."""
        if not self.folder.exists():
            return
        if (pid := self.supervisor()) is not None:
            with progress.waiting("the lab ends"):
                processes.stop(pid, _END_SECONDS)
        with locked(self.folder / remains.LOCK):
            remains.clear(self.folder)

    def supervisor(self) -> int | None:
        """The pid of the process that holds the lab, while it does."""
        try:
            with locked(self.folder / remains.LOCK, fcntl.LOCK_NB):
                return None
        except FileNotFoundError:
            return None
        except BlockingIOError:
            return int((self.folder / remains.PID).read_text())

    def _managers(self) -> list[str]:
        return [name for name in control.order(self.folder, "pids") if name in places.MANAGERS]

    def _start(self, managers: int) -> None:
        places.manager_name(managers)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = self.folder / remains.LOG
        with progress.waiting("the lab's supervisor answers"), log.open("wb") as output:
            command = [sys.executable, "-m", "devkit.lab.supervisor", str(self.folder), str(managers)]
            process = subprocess.Popen(command, cwd=ROOT,
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                       start_new_session=True)  # fmt: skip
            deadline = time.monotonic() + _START_SECONDS
            while not (self.folder / control.SOCKET).exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise LabError(f"the lab's supervisor does not start: {log.read_text()[-2000:].strip()}")
                time.sleep(_POLL)

    # -- orders --------------------------------------------------------------------------------------------------------

    def kill(self, machine: str) -> None:
        """Cut a machine's power: all its processes die at once."""
        control.order(self.folder, "kill", machine=machine)

    def power_on(self, machine: str) -> None:
        """Boot it again; returns when its daemons answer."""
        control.order(self.folder, "power_on", machine=machine)

    def cut(self, machine: str, network: str = "all", direction: str = "both") -> None:
        """Let nothing pass to (`in`), from (`out`) or either way between a machine and `management`, `storage`,
        `tenant` or all networks."""
        control.order(self.folder, "cut", machine=machine, network=network, direction=direction)

    def heal(self, machine: str, network: str = "all", direction: str = "both") -> None:
        """Undo cuts."""
        control.order(self.folder, "heal", machine=machine, network=network, direction=direction)

    def status(self) -> dict[str, MachineStatus]:
        """Of every machine, by name."""
        found = [MachineStatus(**known) for known in control.order(self.folder, "status")]
        return {known.machine: known for known in found}

    # -- inside machines -----------------------------------------------------------------------------------------------

    def command(self, machine: str, command: Sequence[str]) -> list[str]:
        """The command line that runs a command in a machine, in this folder; `LabError` if it is off."""
        pids = control.order(self.folder, "pids")
        if machine not in pids:
            raise LabError(f"there is no {machine!r} in the lab; there are: {', '.join(pids)}")
        if pids[machine] is None:
            raise LabError(f"{machine} is off: `./dev lab power-on {machine}` boots it")
        spaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
        inside = (f"--target={pids[machine]}", *spaces, f"--wdns={Path.cwd()}")
        return ["nsenter", *inside, "--", "env", f"{ENVIRONMENT}={machine}", *command]

    def run(self, machine: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in a machine."""
        return subprocess.run(self.command(machine, command), check=check, capture_output=True, text=True)

    @property
    def credentials(self) -> Path:
        """A file for `ALTUS_CREDENTIALS`: the system administrator's, for use from outside the lab."""
        return places.credentials(self.folder, places.MANAGER)

    def client(self, manager: str = places.MANAGER) -> AltusClient:
        """The SDK as the system administrator."""
        from altus.sdk.client import AltusClient  # ./dev must work on code that cannot be imported

        login = json.loads(places.credentials(self.folder, manager).read_text())
        return AltusClient(login["url"], login["token"], Path(login["ca_file"]))
