"""Other files below a running guest, by libvirt's external snapshots without metadata.

The new file has the name of the old one, which libvirt still calls so in the running domain: what stands below it must
be looked up anew wherever that domain's XML is used again (`without_backing`).
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from xml.etree import ElementTree as ET

import libvirt

from altus.drivers.hypervisor.libvirt.connection import Connection
from altus.drivers.hypervisor.libvirt.errors import not_running
from altus.drivers.hypervisor.refusals import not_quiesced

_FLAGS = (
    libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
    | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT
    | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA
    | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC
)
_NO_AGENT = frozenset({
    libvirt.VIR_ERR_AGENT_UNRESPONSIVE, libvirt.VIR_ERR_AGENT_UNSYNCED, libvirt.VIR_ERR_OPERATION_INVALID,
    libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
})  # fmt: skip


class LibvirtDisks:
    """See `DiskSwitch`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def switch(self, vm_id: str, paths: Sequence[str], *, quiesce: bool = False) -> None:
        """See `DiskSwitch.switch`; `virDomainSnapshotCreateXML`."""
        await self._connection.run_domain(vm_id, functools.partial(_switch, paths=frozenset(paths), quiesce=quiesce))


def without_backing(definition: str) -> str:
    """A domain's XML in which no disk that was switched says what stands below it: libvirt looks that up then."""
    root = ET.fromstring(definition)  # noqa: S314 - libvirt's own
    for disk in root.iterfind("devices/disk"):
        backing, file = disk.find("backingStore"), disk.find("source")
        below = set() if backing is None else {source.get("file") for source in backing.iter("source")}
        if backing is not None and file is not None and file.get("file") in below:
            disk.remove(backing)
    return ET.tostring(root, encoding="unicode")


def _switch(domain: libvirt.virDomain, *, paths: Collection[str], quiesce: bool) -> None:
    if not domain.isActive():
        raise not_running(domain.UUIDString())
    flags = _FLAGS | (libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE if quiesce else 0)
    try:
        domain.snapshotCreateXML(_described(domain.XMLDesc(), paths), flags)
    except libvirt.libvirtError as error:
        if quiesce and error.get_error_code() in _NO_AGENT:
            raise not_quiesced(domain.UUIDString(), error.get_error_message()) from error
        raise


def _described(definition: str, paths: Collection[str]) -> str:
    root = ET.Element("domainsnapshot")
    listed = ET.SubElement(root, "disks")
    for disk in ET.fromstring(definition).iterfind("devices/disk"):  # noqa: S314 - libvirt's own
        target, source = disk.find("target"), disk.find("source")
        file = source.get("file", "") if source is not None else ""
        name = target.get("dev", "") if target is not None else ""
        if file not in paths:
            ET.SubElement(listed, "disk", name=name, snapshot="no")
            continue
        one = ET.SubElement(listed, "disk", name=name, snapshot="external")
        ET.SubElement(one, "driver", type="qcow2")
        ET.SubElement(one, "source", file=file)
    return ET.tostring(root, encoding="unicode")
