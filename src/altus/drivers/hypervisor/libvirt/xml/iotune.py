"""<iotune>: how fast a disk may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at
from altus.model.disk_limits import DiskLimits


@dataclass(kw_only=True)
class IoTune(Element, tag="iotune"):
    """<iotune>, named as `DiskLimits.numbers` are."""

    total_bytes: int | None = at("total_bytes_sec", None)
    read_bytes: int | None = at("read_bytes_sec", None)
    write_bytes: int | None = at("write_bytes_sec", None)
    total_iops: int | None = at("total_iops_sec", None)
    read_iops: int | None = at("read_iops_sec", None)
    write_iops: int | None = at("write_iops_sec", None)
    total_bytes_max: int | None = at("total_bytes_sec_max", None)
    read_bytes_max: int | None = at("read_bytes_sec_max", None)
    write_bytes_max: int | None = at("write_bytes_sec_max", None)
    total_iops_max: int | None = at("total_iops_sec_max", None)
    read_iops_max: int | None = at("read_iops_sec_max", None)
    write_iops_max: int | None = at("write_iops_sec_max", None)
    total_bytes_max_length: int | None = at("total_bytes_sec_max_length", None)
    read_bytes_max_length: int | None = at("read_bytes_sec_max_length", None)
    write_bytes_max_length: int | None = at("write_bytes_sec_max_length", None)
    total_iops_max_length: int | None = at("total_iops_sec_max_length", None)
    read_iops_max_length: int | None = at("read_iops_sec_max_length", None)
    write_iops_max_length: int | None = at("write_iops_sec_max_length", None)

    @classmethod
    def made(cls, limits: DiskLimits) -> Self | None:
        """None for no limits."""
        return cls(**limits.numbers) if limits.numbers else None

    @property
    def limits(self) -> DiskLimits:
        """What it says."""
        return DiskLimits.of({field.name: value for field, value in self.values()})
