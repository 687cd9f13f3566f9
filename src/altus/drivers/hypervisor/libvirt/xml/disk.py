"""<disk>: volumes, the ISO in the drive and the cloud-init seed."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.address import DriveAddress
from altus.drivers.hypervisor.libvirt.xml.iotune import IoTune
from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Disk(Element, tag="disk"):
    """<disk type='file'>; `source` None is an empty drive; `serial` is what the guest shows in /dev/disk/by-id."""

    type: str = at("@type", "file")
    device: str = at("@device", "disk")
    driver: str = at("driver/@name", "qemu")
    format: str = at("driver/@type")
    cache: str | None = at("driver/@cache", None)
    io: str | None = at("driver/@io", None)
    discard: str | None = at("driver/@discard", None)
    detect_zeroes: str | None = at("driver/@detect_zeroes", None)
    source: str | None = at("source/@file", None)
    target: str = at("target/@dev")
    bus: str = at("target/@bus")
    read_only: bool | None = at("readonly/?", None)
    serial: str | None = at("serial", None)
    boot_order: int | None = at("boot/@order", None)
    iotune: IoTune | None = None
    address: DriveAddress | None = None
