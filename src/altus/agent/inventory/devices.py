"""Disks, NICs and the IOMMU. Only what has a device of its own counts: no loops, bridges, taps or virtual functions."""

from __future__ import annotations

from pathlib import Path

from altus.agent.inventory import read
from altus.model.host import HostDisk, HostNic

_SECTOR = 512  # the unit of /sys/block/*/size, whatever the disk's own sectors are
_NOT_DISKS = ("sr", "fd")


def disks(root: Path) -> tuple[HostDisk, ...]:
    """Disks with a medium."""
    found = [
        HostDisk(
            name=path.name,
            size=read.number(path / "size") * _SECTOR,
            model=read.text(path / "device/model"),
            rotational=read.text(path / "queue/rotational") == "1",
        )
        for path in read.entries(root / "sys/block")
        if (path / "device").exists() and not path.name.startswith(_NOT_DISKS)
    ]
    return tuple(disk for disk in found if disk.size)


def nics(root: Path) -> tuple[HostNic, ...]:
    """Physical NICs; a NIC's NUMA node is -1 where the machine has no opinion."""
    return tuple(
        HostNic(
            name=path.name,
            mac=read.text(path / "address"),
            speed=max(read.number(path / "speed"), 0),  # -1 without a link
            link=read.text(path / "carrier") == "1",
            driver=(path / "device/driver").resolve().name if (path / "device/driver").exists() else "",
            sriov_total=read.number(path / "device/sriov_totalvfs"),
            numa_node=read.number(path / "device/numa_node", -1),
        )
        for path in read.entries(root / "sys/class/net")
        if (path / "device").exists() and not (path / "device/physfn").exists()
    )


def iommu(root: Path) -> bool:
    """Whether devices can be handed to guests safely: the kernel has made IOMMU groups."""
    return bool(read.entries(root / "sys/kernel/iommu_groups"))
