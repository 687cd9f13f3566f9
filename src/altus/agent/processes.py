"""Which VMs' QEMU processes run, by looking at processes: libvirt may have lost its book."""

from __future__ import annotations

import asyncio

import psutil

from altus.drivers.hypervisor.base import Hypervisor
from altus.model.vm import VmState

_ACTIVE = (VmState.RUNNING, VmState.PAUSED)


def _scan() -> list[str]:
    found = set()
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if words and "qemu" in words[0] and "-uuid" in words[:-1]:
            found.add(words[words.index("-uuid") + 1])
    return sorted(found)


async def qemu_processes() -> list[str]:
    """Ids of VMs for which QEMU runs."""
    return await asyncio.to_thread(_scan)


async def active_vms(hypervisor: Hypervisor) -> list[str]:
    """The same where a hypervisor runs no processes: what it says itself."""
    return sorted(seen.id for seen in await hypervisor.observe_all() if seen.state in _ACTIVE)
