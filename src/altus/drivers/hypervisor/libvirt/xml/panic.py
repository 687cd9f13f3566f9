"""<panic>: how a guest tells that its kernel crashed."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Panic(Element, tag="panic"):
    """<panic>: the pvpanic ISA device, known to Linux and Windows."""

    model: str = at("@model", "isa")
