"""<memballoon>: memory statistics from the guest and memory given back by it."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.address import PciAddress
from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Balloon(Element, tag="memballoon"):
    """<memballoon>; `stats_period` in seconds."""

    model: str = at("@model", "virtio")
    stats_period: int = at("stats/@period", 10)
    address: PciAddress
