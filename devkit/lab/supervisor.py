"""`python -m devkit.lab.supervisor FOLDER MANAGERS`: the one process that holds a lab with so many managers.

It has the lab's lock, bears all machines, is the switch (by its network namespace), leads ports of the machine around
to the managers and takes orders (`control`). When it ends, however it does, the lab ends with it; what is left of that
on disk is removed by who takes the lock next.
"""

import asyncio
import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from altus.common.errors import AltusError
from devkit import linux
from devkit.errors import DevkitError
from devkit.lab import control, cuts, forward, networks, remains
from devkit.lab.cuts import Cut
from devkit.lab.machines import Box
from devkit.lab.networks import Net
from devkit.lab.places import DATABASE, MANAGER, MANAGERS, SHARED_ID, LabError, host_name
from devkit.lab.pool import Pool
from devkit.lab.status import MachineStatus
from devkit.machine import locked
from devkit.services.declared import MANAGER_PORT

_EXPECTED = (DevkitError, AltusError, OSError, subprocess.SubprocessError)
PORT = 8450
"""Where the machine around the lab finds the first manager, on its loopback; the others follow."""


class Supervisor:
    """Carries orders out. `ports` of the loopback around the lab lead to the managers."""

    def __init__(self, folder: Path, ports: Mapping[str, int]) -> None:
        self._folder = folder
        self._managers = tuple(ports)
        self._central = MANAGER if len(ports) == 1 else DATABASE
        self._pool = Pool(folder, ports, self._managers_with_power)
        self._boxes: dict[str, Box] = {}
        self._cuts: set[Cut] = set()
        self._manager_answers = asyncio.Event()
        self._kvm_known = asyncio.Event()

    def orders(self) -> Mapping[str, Callable[..., Awaitable[Any]]]:
        """By name; arguments and results are JSON."""
        return {
            "up": self.up, "power_on": self.power_on, "kill": self.kill, "cut": self.cut, "heal": self.heal,
            "status": self.status, "pids": self.pids,
        }  # fmt: skip

    async def up(self, hosts: int, *, furnish: bool) -> None:
        """Manager and at least so many hosts on, all hosts up in the pool."""
        names = [host_name(number) for number in range(1, hosts + 1)]
        async with asyncio.TaskGroup() as boots:
            boots.create_task(self._know_kvm())
            boots.create_task(self._managers_on())
            for name in names:
                boots.create_task(self._box(name).power_on())
        await self._pool.all_up(names)
        if furnish:
            await self._pool.furnish()

    async def power_on(self, machine: str) -> None:
        """Boot a machine whose power was cut; `LabError` if there never was one."""
        await self._known(machine).power_on()

    async def kill(self, machine: str) -> None:
        """Cut the power."""
        await self._known(machine).power_off()

    async def cut(self, machine: str, network: str, direction: str) -> None:
        """Drop packets from now on."""
        await self._set_cuts(self._cuts | cuts.cuts(self._known(machine).name, network, direction))

    async def heal(self, machine: str, network: str, direction: str) -> None:
        """Drop them no more."""
        await self._set_cuts(self._cuts - cuts.cuts(self._known(machine).name, network, direction))

    async def status(self) -> list[dict[str, Any]]:
        """See `MachineStatus`."""
        said, vms = await self._pool.said()
        return [
            MachineStatus(
                machine=box.name,
                power=box.power,
                state=said.get(box.name, ""),
                pid=box.pid,
                vms=vms[box.name] if box.name in said else None,
                addresses={net: str(networks.address(box.name, net).ip) for net in networks.nets(box.name)},
                cuts=[str(one) for one in sorted(self._cuts) if one.machine == box.name],
            ).to_json()
            for box in sorted(self._boxes.values(), key=lambda box: networks.number(box.name))
        ]

    async def pids(self) -> dict[str, int | None]:
        """Process 1 of every machine, None for those without power."""
        return {box.name: box.pid for box in self._boxes.values()}

    # -- inside --------------------------------------------------------------------------------------------------------

    def _box(self, name: str) -> Box:
        if name not in self._boxes:
            self._boxes[name] = Box(name, self._folder, self._central, self._enrol, self._apply_cuts)
        return self._boxes[name]

    def _known(self, name: str) -> Box:
        if name not in self._boxes:
            raise LabError(f"there is no {name!r}; there are: {', '.join(self._boxes)}")
        return self._boxes[name]

    def _managers_with_power(self) -> list[str]:
        return [name for name in self._managers if name in self._boxes and self._boxes[name].power == "on"]

    async def _managers_on(self) -> None:
        """The first makes what they have in common, so the others come after it."""
        async with asyncio.TaskGroup() as boots:
            for name in dict.fromkeys((MANAGER, self._central)):
                boots.create_task(self._box(name).power_on())
        await asyncio.to_thread(self._pool.keep_credentials)
        self._manager_answers.set()
        for name in self._managers:
            await self._box(name).power_on()

    async def _know_kvm(self) -> None:
        await self._pool.know_kvm()
        self._kvm_known.set()

    async def _enrol(self, host: str) -> None:
        await self._manager_answers.wait()
        await self._kvm_known.wait()
        await self._pool.enrol(host)

    async def _set_cuts(self, wanted: set[Cut]) -> None:
        self._cuts = wanted
        self._apply_cuts()

    def _apply_cuts(self) -> None:
        """Cables are made anew with each boot, and what has no power has none."""
        cuts.apply(one for one in self._cuts if self._boxes[one.machine].pid is not None)


def _prepare(folder: Path) -> None:
    """The shared folder is made a repository once, before many hosts would at the same time."""
    from altus.drivers.storage.directory.layout import Layout

    (folder / remains.PID).write_text(str(os.getpid()))
    (folder / "machines").mkdir(mode=0o711)
    (folder / "managers").mkdir(mode=0o700)
    Layout(folder / "shared", SHARED_ID).initialise()


async def _serve(folder: Path, ports: Mapping[str, socket.socket]) -> None:
    supervisor = Supervisor(folder, {name: port.getsockname()[1] for name, port in ports.items()})
    for name, port in ports.items():
        await forward.forward(port, str(networks.address(name, Net.MANAGEMENT).ip), MANAGER_PORT)
    async with await control.serve(folder, supervisor.orders(), _EXPECTED) as server:
        await server.serve_forever()


def main() -> int:
    """Hold the lab until the end."""
    folder, managers = Path(sys.argv[1]), int(sys.argv[2])
    try:
        with locked(folder / remains.LOCK, fcntl.LOCK_NB):
            remains.clear(folder)
            _prepare(folder)
            # before the network namespace of the machine around is left
            ports = {MANAGERS[number]: forward.listen(PORT + number) for number in range(managers)}
            linux.unshare(linux.NEWNET)
            networks.build_switch()
            asyncio.run(_serve(folder, ports))
    except BlockingIOError:
        print("another supervisor holds this lab", file=sys.stderr)
    except (OSError, DevkitError) as error:
        print(error, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
