"""Nothing is left of a lab, whatever ended it."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from devkit import cgroups
from devkit.lab import Lab, LabError
from devkit.lab.places import GROUP
from devkit.services import processes

pytestmark = [pytest.mark.functional, pytest.mark.timeout(300)]


def _groups() -> list[str]:
    return [str(group) for hierarchy in cgroups.mounted() for group in hierarchy.folder.glob(f"{GROUP}*")]


def _outside() -> tuple[str, str]:
    """Devices and mounts of the machine around the lab."""
    links = subprocess.run(["ip", "-j", "link"], check=True, capture_output=True, text=True).stdout
    return str([link["ifname"] for link in json.loads(links)]), Path("/proc/self/mountinfo").read_text()


def test_a_lab_dies_whole_when_its_supervisor_is_killed() -> None:
    lab = Lab()
    lab.down()
    before = _outside()
    lab.up(1)
    supervisor = lab.supervisor()
    assert supervisor is not None
    inside = psutil.Process(supervisor).children(recursive=True)
    assert {"libvirtd", "ovs-vswitchd", "ovn-controller", "ovn-northd"} <= {process.name() for process in inside}
    assert _outside() == before
    assert processes.end(supervisor, signal.SIGKILL, 30)
    assert psutil.wait_procs(inside, timeout=30)[1] == []
    with pytest.raises(LabError, match="no lab is up"):
        lab.status()
    lab.down()
    assert _outside() == before
    assert _groups() == []
    assert {path.name for path in lab.folder.iterdir()} <= {"lock", "supervisor.log"}
