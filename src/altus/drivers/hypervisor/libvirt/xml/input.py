"""<input>: the pointer of the graphical console."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Input(Element, tag="input"):
    """<input>: a tablet, whose absolute position makes the viewer's pointer and the guest's the same."""

    type: str = at("@type", "tablet")
    bus: str = at("@bus", "usb")
