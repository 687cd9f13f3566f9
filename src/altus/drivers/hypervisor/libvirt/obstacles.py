"""What a domain of others has that a VM of Altus cannot have: it must not be lost silently. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from altus.model.vm import DiskBus, NicModel

_PLAIN = frozenset({"emulator", "disk", "interface", "controller", "serial", "console", "channel", "input", "graphics",
                    "video", "memballoon", "rng", "panic", "audio", "sound", "watchdog", "hub"})  # fmt: skip
"""Devices that every VM has in Altus' own form, or whose loss no guest minds."""
_BUSES, _MODELS = frozenset(DiskBus), frozenset(NicModel)


def obstacles(root: ET.Element, *, snapshots: int) -> Iterator[str]:
    """Sentences, from the domain's definition and the number of its snapshots."""
    if snapshots:
        yield f"It has {snapshots} snapshots."
    yield from _system(root)
    for device in root.iterfind("devices/*"):
        if device.tag not in _PLAIN:
            yield f"It has a <{device.tag}>."
    for disk in root.iterfind("devices/disk"):
        if (kind := disk.get("device", "disk")) == "disk":
            yield from _disk(disk)
        elif kind != "cdrom":
            yield f"It has a {kind}."
    for nic in root.iterfind("devices/interface"):
        if (model := _value(nic, "model", "type")) not in _MODELS:
            yield f"It has a NIC of the model {model or 'unknown'}."


def _system(root: ET.Element) -> Iterator[str]:
    system = root.find("os")
    if system is None or (kind := system.findtext("type")) != "hvm":
        yield "It is no fully virtualized machine."
        return
    if (arch := _value(system, "type", "arch")) not in ("", "x86_64"):
        yield f"It is a machine with {arch}, not {kind} on x86_64."
    if system.get("firmware") == "efi" or system.find("loader") is not None:
        yield "It boots by UEFI, whose variables cannot be taken over yet."
    if system.find("kernel") is not None:
        yield "It boots from a kernel of its own."


def _disk(disk: ET.Element) -> Iterator[str]:
    path = _value(disk, "source", "file") or _value(disk, "source", "dev") or "without a name"
    if (bus := _value(disk, "target", "bus")) not in _BUSES:
        yield f"Its disk {path} is on the bus {bus or 'unknown'}."
    if (kind := _value(disk, "driver", "type")) != "qcow2":
        yield f"Its disk {path} is not qcow2 but {kind or 'unknown'}."
    if disk.find("encryption") is not None or disk.find("source/encryption") is not None:
        yield f"Its disk {path} is encrypted."
    if disk.find("readonly") is not None or disk.find("shareable") is not None:
        yield f"Its disk {path} is read-only or shared."


def _value(element: ET.Element, child: str, attribute: str) -> str:
    found = element.find(child)
    return "" if found is None else found.get(attribute, "")
