"""<rng>: randomness for the guest's first keys."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.address import PciAddress
from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Rng(Element, tag="rng"):
    """<rng>: virtio, from the host's own generator."""

    model: str = at("@model", "virtio")
    backend: str = at("backend/@model", "random")
    source: str = at("backend/.", "/dev/urandom")
    address: PciAddress
