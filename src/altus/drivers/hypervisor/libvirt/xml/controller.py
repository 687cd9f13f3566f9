"""<controller>: buses that devices sit on."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.address import PciAddress
from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Controller(Element, tag="controller"):
    """<controller>; `index` None lets libvirt number it."""

    type: str = at("@type")
    index: int | None = at("@index", None)
    model: str | None = at("@model", None)
    address: PciAddress | None = None
