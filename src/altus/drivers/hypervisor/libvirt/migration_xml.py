"""What of a domain's XML matters when it moves: where the files of both hosts are, and how they are written."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from altus.drivers.hypervisor.libvirt.switch import without_backing

_UNCACHED = frozenset({"none", "directsync"})


def relocated(live: str, there: str, *, copies: bool = False) -> str:
    """The running domain's XML with the files that its definition `there` names, disk by disk. Disks that are `copies`
    have nothing below them. One that is defined without a kernel of its own there has none when it starts again."""
    here, other = ET.fromstring(without_backing(live)), ET.fromstring(there)  # noqa: S314 - both are libvirt's own
    disks = {_identity(disk): disk for disk in other.iterfind("devices/disk")}
    for disk in here.iterfind("devices/disk"):
        source, found = disk.find("source"), disks.get(_identity(disk))
        found_source = None if found is None else found.find("source")
        if source is not None and found_source is not None:
            source.set("file", found_source.get("file", ""))
        if copies and found is not None:
            _settle_in(disk, found)
    system = here.find("os")
    for name in ("kernel", "initrd", "cmdline"):
        element, text = here.find(f"os/{name}"), other.findtext(f"os/{name}")
        if system is None or element is None:
            continue
        if text is None:
            system.remove(element)
        elif name != "cmdline":
            element.text = text
    return ET.tostring(here, encoding="unicode")


def _settle_in(disk: ET.Element, there: ET.Element) -> None:
    """A copy has nothing below it, and is cached as the file system there wants it."""
    for below in disk.findall("backingStore"):
        disk.remove(below)
    driver, wanted = disk.find("driver"), there.find("driver")
    if driver is None or wanted is None:
        return
    for name in ("cache", "io"):
        driver.attrib.pop(name, None)
        if name in wanted.attrib:
            driver.set(name, wanted.attrib[name])


def is_coherent(live: str) -> bool:
    """Whether all disks that are written bypass the host's cache, so that the other host reads what this one wrote."""
    drivers = (disk.find("driver") for disk in written(live).values())
    return all(driver is not None and driver.get("cache") in _UNCACHED for driver in drivers)


def is_renamed(live: str) -> bool:
    """Whether a running domain has a disk above a file that had this disk's name when QEMU opened it: a snapshot was
    taken since. QEMU opens files by their names when it takes them back after a migration that failed at its very end,
    and would find the wrong one; its locks keep it from writing there, and so the guest from going on."""
    for disk in ET.fromstring(live).iterfind("devices/disk"):  # noqa: S314 - libvirt's own
        own, *below = [source.get("file", "") for source in disk.iter("source")] or [""]
        if own in below:
            return True
    return False


def written(definition: str) -> dict[str, ET.Element]:
    """A domain's disks that are not read-only, by their files."""
    found = {}
    for disk in ET.fromstring(definition).iterfind("devices/disk"):  # noqa: S314 - libvirt's own
        source = disk.find("source")
        if source is not None and disk.find("readonly") is None:
            found[source.get("file", "")] = disk
    return found


def copied(live: str) -> list[str]:
    """The names of the disks that are written, as libvirt knows them."""
    return [_device(disk) for disk in written(live).values()]


def _identity(disk: ET.Element) -> str:
    """What a disk that came while the guest runs has in its definition, too; names there may be others."""
    return disk.findtext("serial") or _device(disk)


def _device(disk: ET.Element) -> str:
    target = disk.find("target")
    return "" if target is None else target.get("dev", "")
