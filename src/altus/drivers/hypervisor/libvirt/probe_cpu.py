"""Which CPUs this host can give to guests, as libvirt tells for one kind of acceleration."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

import libvirt

from altus.model.cpu import CpuOffer

ARCH, MACHINE = "x86_64", "q35"
_UNKNOWN = "unknown"
_EXPAND = libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES | libvirt.VIR_CONNECT_BASELINE_CPU_MIGRATABLE


def read_offer(connection: libvirt.virConnect, offered: ET.Element, *, kvm: bool) -> CpuOffer:
    """From the domain capabilities `offered`; only what can migrate. Blocking, some 50 ms.

    The features of a model are counted by libvirt itself, so that no list of ours ages. Models without long mode are
    left out, and under KVM those of other vendors, which the host's own would show through.
    """
    kind, host = ("kvm" if kvm else "qemu"), offered.find("cpu/mode[@name='host-model']")
    if host is None or host.get("supported") != "yes":
        return CpuOffer(models=())
    vendor = host.findtext("vendor", "") if kvm else ""
    usable = [
        model.text or ""
        for model in offered.iterfind("cpu/mode[@name='custom']/model[@usable='yes']")
        if not kvm or model.get("vendor") in (vendor, _UNKNOWN)
    ]
    found = {name: _expanded(connection, kind, [_element("model", name)]) for name in usable}
    wide = (name for name, features in found.items() if "lm" in features)
    return CpuOffer(
        models=tuple(sorted(wide, key=lambda name: (-len(found[name]), name))),
        features=_expanded(connection, kind, host),
        vendor=vendor,
        address_bits=_address_bits(connection) if kvm else 0,
    )


def _expanded(connection: libvirt.virConnect, kind: str, parts: Iterable[ET.Element]) -> tuple[str, ...]:
    """The names of all features of the CPU that consists of these parts."""
    cpu = ET.Element("cpu")
    cpu.extend(part for part in parts if part.tag in ("model", "vendor", "feature"))
    text = ET.tostring(cpu, encoding="unicode")
    every = ET.fromstring(connection.baselineHypervisorCPU(None, ARCH, MACHINE, kind, [text], _EXPAND))  # noqa: S314
    return tuple(sorted(one.get("name", "") for one in every.iterfind("feature") if one.get("policy") != "disable"))


def _address_bits(connection: libvirt.virConnect) -> int:
    host = ET.fromstring(connection.getCapabilities())  # noqa: S314 - libvirt's own
    width = host.find("host/cpu/maxphysaddr")
    return 0 if width is None else int(width.get("bits", "0"))


def _element(tag: str, text: str) -> ET.Element:
    made = ET.Element(tag)
    made.text = text
    return made
