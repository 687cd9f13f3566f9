"""Nothing is left of a lab, whatever ended it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from altus.model.network import NetworkKind
from altus.wire.resources import NetworkCreate
from devkit import cgroups
from devkit.lab import Lab, LabError
from devkit.lab.places import GROUP
from devkit.services import processes

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
