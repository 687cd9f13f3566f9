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
class CpuFeature(Element, tag="feature"):
    """<feature>: what the CPU has beside or as part of its model."""

    policy: str = at("@policy", "require")
    name: str = at("@name")


@dataclass(kw_only=True)
class Cpu(Element, tag="cpu"):
    """<cpu>: one socket with all cores, since desktop systems refuse to use many sockets.

    `address_mode` "passthrough" gives the guest the host's physical address width, without which QEMU stops at 1 TiB;
    "emulate" gives it `address_bits`. With `check` "full" it does not start unless its features are just these.
    """

    mode: str = at("@mode")
    match: str | None = at("@match", None)
    check: str | None = at("@check", None)
    model: str | None = at("model/.", None)
    fallback: str | None = at("model/@fallback", None)
    address_mode: str | None = at("maxphysaddr/@mode", None)
    address_bits: int | None = at("maxphysaddr/@bits", None)
    sockets: int = at("topology/@sockets", 1)
    dies: int = at("topology/@dies", 1)
    cores: int = at("topology/@cores")
    threads: int = at("topology/@threads", 1)
    features: tuple[CpuFeature, ...] = ()
