"""What of a domain's XML matters when it moves: where the files of both hosts are, and how they are written."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from altus.drivers.hypervisor.libvirt.switch import without_backing

_UNCACHED = frozenset({"none", "directsync"})


def relocated(live: str, there: str) -> str:
    """The running domain's XML with the files that its definition `there` names, disk by disk; what those stand on is
    looked up there."""
    here, other = ET.fromstring(without_backing(live)), ET.fromstring(there)  # noqa: S314 - both are libvirt's own
    files = {_device(disk): disk.find("source") for disk in other.iterfind("devices/disk")}
    for disk in here.iterfind("devices/disk"):
        source, found = disk.find("source"), files.get(_device(disk))
        if source is not None and found is not None:
            source.set("file", found.get("file", ""))
    for name in ("os/kernel", "os/initrd"):
        element = here.find(name)
        if element is not None:
            element.text = other.findtext(name)
    return ET.tostring(here, encoding="unicode")


def is_coherent(live: str) -> bool:
    """Whether all disks that are written bypass the host's cache, so that the other host reads what this one wrote."""
    drivers = (disk.find("driver") for disk in written(live).values())
    return all(driver is not None and driver.get("cache") in _UNCACHED for driver in drivers)


def written(definition: str) -> dict[str, ET.Element]:
    """A domain's disks that are not read-only, by their files."""
    found = {}
    for disk in ET.fromstring(definition).iterfind("devices/disk"):  # noqa: S314 - libvirt's own
        source = disk.find("source")
        if source is not None and disk.find("readonly") is None:
            found[source.get("file", "")] = disk
    return found


def _device(disk: ET.Element) -> str:
    target = disk.find("target")
    return "" if target is None else target.get("dev", "")
