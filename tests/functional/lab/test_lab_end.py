"""Several managers go on without one of them; and nothing is left of a lab, whatever ended it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from altus.common.ids import new_id
from altus.common.units import MIB
from altus.model.network import NetworkKind
from altus.model.task import TaskState
from altus.sdk.client import AltusClient
from altus.wire.resources import NetworkCreate
from altus.wire.vms import VmCreate
from devkit import cgroups
from devkit.lab import Lab, LabError
from devkit.lab.places import GROUP, MANAGERS
from devkit.services import processes
from testbed.patience import until

pytestmark = [pytest.mark.functional, pytest.mark.timeout(600)]


def _groups() -> list[str]:
    return [str(group) for hierarchy in cgroups.mounted() for group in hierarchy.folder.glob(f"{GROUP}*")]


def _outside() -> tuple[str, str]:
    """Devices and mounts of the machine around the lab."""
    links = subprocess.run(["ip", "-j", "link"], check=True, capture_output=True, text=True).stdout
    return str([link["ifname"] for link in json.loads(links)]), Path("/proc/self/mountinfo").read_text()


def _neighbours(lab: Lab) -> dict[str, str]:
    """Hardware addresses of the switch and of a manager as the other one finds them. Were they to change, it would
    speak to the old ones for a while."""
    addresses = ("10.199.1.254", "10.199.1.1")
    asking = "; ".join(f"(echo > /dev/tcp/{address}/9) 2> /dev/null" for address in addresses)
    lab.run("manager2", "bash", "-c", f"ip neigh flush all; {asking}", check=False)
    known = json.loads(lab.run("manager2", "ip", "-j", "neigh", "show").stdout)
    return {one["dst"]: one["lladdr"] for one in known if one["dst"] in addresses}


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Lab, tuple[str, str]]]:
    """A lab with two managers, instead of any other, and what was around it before."""
    with Lab() as lab:
        lab.down()
        before = _outside()
        lab.up(1, managers=2)
        yield lab, before


async def test_managers_go_on_without_one_of_them(pair: tuple[Lab, tuple[str, str]]) -> None:
    lab, _ = pair
    found = _neighbours(lab)
    assert len(found) == 2
    lab.kill("manager")
    async with lab.client("manager2") as altus:
        await altus.networks.create(NetworkCreate(name="net1", cidr="10.60.0.0/24", kind=NetworkKind.ISOLATED)).run()
    await asyncio.to_thread(lab.power_on, "manager")
    assert _neighbours(lab) == found
    async with lab.client("manager") as altus:
        assert [network.name async for network in altus.networks.each()] == ["net1"]
    with pytest.raises(LabError, match="the lab has 2 managers"):
        lab.up(1, managers=1)


async def _leader(lab: Lab) -> tuple[str, str]:
    """The manager that runs the tasks, and the other one."""

    async def look() -> str:
        for name in MANAGERS[:2]:
            async with lab.client(name) as altus:
                if (await altus.system.health()).runs_tasks:
                    return name
        return ""

    leader = await until(look, "a manager runs the tasks")
    return leader, next(name for name in MANAGERS[:2] if name != leader)


async def _vms_are_made(lab: Lab, altus: AltusClient, strike: Callable[[], None]) -> None:
    """While two VMs are made there is a strike: each is there once, and runs. Two cores have room for four of them."""
    bodies = [VmCreate(name=f"vm-{new_id()[-6:]}", disk_size=MIB, memory=64 * MIB, start=True) for _ in range(2)]
    tasks = [await altus.vms.create(body) for body in bodies]

    async def at_work() -> bool:
        seen = await altus.tasks.page(["state:running"])
        return bool({task.id for task in seen.items} & {task.id for task in tasks})

    await until(at_work, "a VM is being made")
    await asyncio.to_thread(strike)
    assert [(await altus.tasks.wait(task.id)).state for task in tasks] == [TaskState.SUCCEEDED] * 2
    running = lab.run("host1", "virsh", "--quiet", "list", "--uuid").stdout.split()
    assert sorted(running) == sorted([vm.id async for vm in altus.vms.each()])
    assert {body.name for body in bodies} <= {vm.name async for vm in altus.vms.each()}

    async def agrees() -> bool:
        return not (await altus.system.doctor()).findings

    await until(agrees, "everything agrees")


async def test_tasks_of_a_manager_that_is_cut_off_go_on_with_the_other_one(pair: tuple[Lab, tuple[str, str]]) -> None:
    lab, _ = pair
    leader, other = await _leader(lab)
    async with lab.client(other) as altus:
        await _vms_are_made(lab, altus, lambda: lab.cut(leader, "management"))
        assert (await altus.system.health()).runs_tasks
        lab.heal(leader, "management")
    async with lab.client(leader) as altus:
        assert len([vm async for vm in altus.vms.each()]) == 2


async def test_tasks_go_on_when_the_database_was_killed_and_is_started_again(pair: tuple[Lab, tuple[str, str]]) -> None:
    lab, _ = pair

    def restart() -> None:
        lab.run("database", "pkill", "-9", "postgres")
        lab.run("database", sys.executable, "-m", "devkit.lab.database")

    async with lab.client() as altus:
        await _vms_are_made(lab, altus, restart)


def test_a_lab_dies_whole_when_its_supervisor_is_killed(pair: tuple[Lab, tuple[str, str]]) -> None:
    lab, before = pair
    supervisor = lab.supervisor()
    assert supervisor is not None
    inside = psutil.Process(supervisor).children(recursive=True)
    assert {"libvirtd", "ovs-vswitchd", "ovn-controller", "ovn-northd", "postgres"} <= {
        process.name() for process in inside
    }
    assert _outside() == before
    assert processes.end(supervisor, signal.SIGKILL, 30)
    assert psutil.wait_procs(inside, timeout=30)[1] == []
    with pytest.raises(LabError, match="no lab is up"):
        lab.status()
    lab.down()
    assert _outside() == before
    assert _groups() == []
    assert {path.name for path in lab.folder.iterdir()} <= {"lock", "supervisor.log"}
