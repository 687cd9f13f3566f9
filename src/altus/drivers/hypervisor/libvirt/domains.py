"""Every domain of the host as it is defined, whoever made it. Blocking: run it in a worker thread."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import libvirt

from altus.common.units import KIB
from altus.drivers.hypervisor.libvirt.observe import CrashForgotten, is_ours, observe
from altus.model.domain import DomainDisk, DomainFacts, DomainNic

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
    return DomainFacts(
        id=seen.id,
        name=str(domain.name()),
        state=seen.state,
        ours=is_ours(domain),
        persistent=persistent,
        vcpus=_vcpus(root),
        memory=int(root.findtext("currentMemory") or root.findtext("memory") or 0) * KIB,
        disks=tuple(DomainDisk(path=path) for path in _disks(root)),
        nics=tuple(_nic(nic) for nic in root.iterfind("devices/interface")),
    )


def _vcpus(root: ET.Element) -> int:
    """Those that it starts with: more may be possible."""
    element = root.find("vcpu")
    return 1 if element is None else int(element.get("current") or element.text or 1)


def _disks(root: ET.Element) -> list[str]:
    """Where its disks are, but for CD-ROMs and floppies: a file, a device or the name on a remote storage."""
    sources = (disk.find("source") for disk in root.iterfind("devices/disk") if disk.get("device", "disk") == "disk")
    known = (source for source in sources if source is not None)
    return [next((source.get(key, "") for key in ("file", "dev", "name", "volume") if source.get(key)), "")
            for source in known]  # fmt: skip


def _nic(nic: ET.Element) -> DomainNic:
    mac, port = nic.find("mac"), nic.find("virtualport/parameters")
    return DomainNic(mac="" if mac is None else mac.get("address", ""),
                     port_id="" if port is None else port.get("interfaceid", ""))  # fmt: skip
