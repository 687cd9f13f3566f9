"""<address>: where a device sits, told explicitly only where libvirt's own choice would be wrong or unstable."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class DriveAddress(Element, tag="address"):
    """A disk on a SATA or SCSI controller."""

    type: str = at("@type", "drive")
    controller: int = at("@controller")
    bus: int = at("@bus", 0)
    target: int = at("@target", 0)
    unit: int = at("@unit")


@dataclass(kw_only=True)
class PciAddress(Element, tag="address"):
    """A device on the root complex; hexadecimal text, as libvirt writes it."""

    type: str = at("@type", "pci")
    domain: str = at("@domain", "0x0000")
    bus: str = at("@bus", "0x00")
    slot: str = at("@slot")
    function: str = at("@function", "0x0")


def root_complex(slot: int) -> PciAddress:
    """An integrated endpoint: a device which is never hot-plugged needs no root port, and a port less is time less
    at boot."""
    return PciAddress(slot=f"0x{slot:02x}")
