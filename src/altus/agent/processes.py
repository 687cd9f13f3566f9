"""Which VMs' QEMU processes run, by looking at processes: libvirt may have lost its book."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import psutil

from altus.drivers.hypervisor.base import Hypervisor
from altus.model.vm import VmState

_ACTIVE = (VmState.RUNNING, VmState.PAUSED)
_NAME = re.compile(r"guest=altus-([0-9a-f-]{36})")


def _scan() -> list[str]:
    found = set()
    for process in psutil.process_iter(["cmdline"]):
        named = _NAME.search(" ".join(process.info["cmdline"] or ()))
        if named is not None and _on_this_host(process.pid):
            found.add(named[1])
    return sorted(found)


def _on_this_host(pid: int) -> bool:
    """Whether it is not another host's: simulated hosts on one machine have process namespaces of their own."""
    try:
        return Path(f"/proc/{pid}/ns/pid").readlink() == Path("/proc/self/ns/pid").readlink()
    except OSError:
        return False  # it has ended meanwhile


async def qemu_processes() -> list[str]:
    """Ids of VMs for which QEMU runs."""
    return await asyncio.to_thread(_scan)


async def active_vms(hypervisor: Hypervisor) -> list[str]:
    """The same where a hypervisor runs no processes: what it says itself."""
    return sorted(seen.id for seen in await hypervisor.observe_all() if seen.state in _ACTIVE)
