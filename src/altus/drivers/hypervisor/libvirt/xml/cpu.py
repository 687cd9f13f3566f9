"""<vcpu> and <cpu>: how many processors the guest has and what they can do."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Vcpu(Element, tag="vcpu"):
    """<vcpu>: the number of virtual processors."""

    placement: str = at("@placement", "static")
    count: int = at(".")


@dataclass(kw_only=True)
class Cpu(Element, tag="cpu"):
    """<cpu>: one socket with all cores, since desktop systems refuse to use many sockets.

    `address_bits` "passthrough" gives the guest the host's physical address width, without which QEMU stops at 1 TiB.
    """

    mode: str = at("@mode")
    check: str | None = at("@check", None)
    address_bits: str | None = at("maxphysaddr/@mode", None)
    sockets: int = at("topology/@sockets", 1)
    dies: int = at("topology/@dies", 1)
    cores: int = at("topology/@cores")
    threads: int = at("topology/@threads", 1)
