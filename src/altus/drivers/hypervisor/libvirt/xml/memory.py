"""<memory>: how much memory the guest has."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Memory(Element, tag="memory"):
    """<memory>; libvirt keeps KiB whatever unit it is told."""

    unit: str = at("@unit", "KiB")
    amount: int = at(".")
