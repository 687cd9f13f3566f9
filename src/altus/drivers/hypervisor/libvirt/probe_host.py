"""What this host can do: acceleration (cached for the boot), versions, UEFI, CPUs of guests."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import libvirt

from altus.drivers.hypervisor.base import HypervisorCapabilities
from altus.drivers.hypervisor.kvm_probe import KvmVerdict, probe_kvm
from altus.drivers.hypervisor.libvirt.folders import replace_file
from altus.drivers.hypervisor.libvirt.probe_cpu import ARCH, MACHINE, read_offer
from altus.model.host import Acceleration

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


async def kvm_verdict(cache: Path) -> KvmVerdict:
    """Whether KVM runs guests; probed once per boot of the host, since a failing probe takes its full time."""
    known = await asyncio.to_thread(_known, cache)
    if known is None:
        known = await probe_kvm()
        await asyncio.to_thread(_remember, cache, known)
    return known


def _known(cache: Path) -> KvmVerdict | None:
    """What was found since the host booted; None if it never was or the note cannot be read."""
    try:
        note = json.loads(cache.read_text())
        if note["boot"] == _BOOT_ID.read_text():
            return KvmVerdict(usable=bool(note["usable"]), reason=str(note["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None


def _remember(cache: Path, verdict: KvmVerdict) -> None:
    cache.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    note = {"boot": _BOOT_ID.read_text(), "usable": verdict.usable, "reason": verdict.reason}
    replace_file(cache, json.dumps(note).encode())


def read_capabilities(connection: libvirt.virConnect, verdict: KvmVerdict) -> HypervisorCapabilities:
    """`virConnectGetDomainCapabilities` and versions. Blocking: run it in a worker thread."""
    kind = Acceleration.KVM if verdict.usable else Acceleration.TCG
    offered = ET.fromstring(  # noqa: S314 - libvirt's own
        connection.getDomainCapabilities(None, ARCH, MACHINE, "kvm" if verdict.usable else "qemu")
    )
    return HypervisorCapabilities(
        acceleration=kind,
        acceleration_reason=verdict.reason,
        versions={"libvirt": _version(connection.getLibVersion()), "qemu": _version(connection.getVersion())},
        uefi=any(value.text == "efi" for value in offered.iterfind("os/enum[@name='firmware']/value")),
        guest_cpus=read_offer(connection, offered, kvm=verdict.usable),
    )


def _version(number: int) -> str:
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
