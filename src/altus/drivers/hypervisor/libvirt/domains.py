"""Every domain of the host as it is defined, whoever made it. Blocking: run it in a worker thread."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import libvirt

from altus.common.units import KIB
from altus.drivers.hypervisor.libvirt.observe import CrashForgotten, is_ours, observe
from altus.drivers.hypervisor.libvirt.obstacles import obstacles
from altus.drivers.hypervisor.libvirt.xml.iotune import IoTune
from altus.model.disk_limits import DiskLimits
from altus.model.domain import DomainDevices, DomainDisk, DomainFacts, DomainNic
from altus.model.vm import NicLink, VmState

_ACTIVE = (VmState.RUNNING, VmState.PAUSED)
_DEFINITIONS = Path("/etc/libvirt/qemu")
"""Where libvirt keeps them: each one is written anew by a rename, of which not all are told as events."""


def domains(connection: libvirt.virConnect, forgotten: CrashForgotten) -> list[DomainFacts]:
    """One call for all, and some per domain. One that goes away meanwhile is left out."""
    found = []
    for domain in connection.listAllDomains():
        with _unless_gone():
            found.append(_facts(domain, forgotten))
    return found


def definitions_changed() -> int:
    """When libvirt wrote a definition last: nanoseconds since 1970; 0 where it keeps them elsewhere."""
    try:
        return _DEFINITIONS.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@contextlib.contextmanager
def _unless_gone() -> Iterator[None]:
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise


def _facts(domain: libvirt.virDomain, forgotten: CrashForgotten) -> DomainFacts:
    persistent = bool(domain.isPersistent())
    root = ET.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE if persistent else 0))  # noqa: S314 - libvirt's
    seen = observe(domain, forgotten)
    defined = _devices(root)
    live = _devices(ET.fromstring(domain.XMLDesc())) if seen.state in _ACTIVE else None  # noqa: S314 - libvirt's own
    return DomainFacts(
        id=seen.id,
        name=str(domain.name()),
        state=seen.state,
        ours=is_ours(domain),
        persistent=persistent,
        vcpus=_vcpus(root),
        memory=int(root.findtext("currentMemory") or root.findtext("memory") or 0) * KIB,
        disks=defined.disks,
        nics=defined.nics,
        obstacles=tuple(obstacles(root, snapshots=domain.snapshotNum())),
        live=live,
    )


def _devices(root: ET.Element) -> DomainDevices:
    disks = (disk for disk in root.iterfind("devices/disk") if disk.get("device", "disk") == "disk")
    return DomainDevices(disks=tuple(_disk(disk) for disk in disks),
                         nics=tuple(_nic(nic) for nic in root.iterfind("devices/interface")))  # fmt: skip


def _vcpus(root: ET.Element) -> int:
    """Those that it starts with: more may be possible."""
    element = root.find("vcpu")
    return 1 if element is None else int(element.get("current") or element.text or 1)


def _disk(disk: ET.Element) -> DomainDisk:
    """Where it is: a file, a device or the name on a remote storage; empty for none."""
    source, target = disk.find("source"), disk.find("target")
    path = "" if source is None else next(filter(None, map(source.get, ("file", "dev", "name", "volume"))), "")
    tune = disk.find("iotune")
    limits = DiskLimits() if tune is None else IoTune.from_xml(tune).limits
    return DomainDisk(path=path, bus="" if target is None else target.get("bus", ""), limits=limits)


def _nic(nic: ET.Element) -> DomainNic:
    def value(child: str, attribute: str) -> str:
        found = nic.find(child)
        return "" if found is None else found.get(attribute, "")

    return DomainNic(mac=value("mac", "address"), model=value("model", "type"),
                     port_id=value("virtualport/parameters", "interfaceid"),
                     link=NicLink.DOWN if value("link", "state") == "down" else NicLink.UP)  # fmt: skip
