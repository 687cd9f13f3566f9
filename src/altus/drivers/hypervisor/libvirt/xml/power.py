"""<pm>: the guest's own sleep states."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class PowerManagement(Element, tag="pm"):
    """<pm>: not offered; a guest which puts itself to sleep looks dead to everybody else."""

    to_memory: bool = at("suspend-to-mem/@enabled", False)
    to_disk: bool = at("suspend-to-disk/@enabled", False)
