"""<interface>: a NIC, plugged into a logical port through Open vSwitch."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class HostOffloads(Element, tag="host"):
    """<driver><host>: what QEMU may leave to the host for packets from the guest. All off: see `Offloads`."""

    csum: str = at("@csum", "off")
    gso: str = at("@gso", "off")
    tso4: str = at("@tso4", "off")
    tso6: str = at("@tso6", "off")
    ecn: str = at("@ecn", "off")
    ufo: str = at("@ufo", "off")


@dataclass(kw_only=True)
class GuestOffloads(Element, tag="guest"):
    """<driver><guest>: what the guest may leave undone for packets to it. All off: see `Offloads`."""

    csum: str = at("@csum", "off")
    tso4: str = at("@tso4", "off")
    tso6: str = at("@tso6", "off")
    ecn: str = at("@ecn", "off")
    ufo: str = at("@ufo", "off")


@dataclass(kw_only=True)
class Offloads(Element, tag="driver"):
    """<driver> of a virtio NIC on a datapath in user space, where packets with partial checksums are dropped."""

    host: HostOffloads
    guest: GuestOffloads


@dataclass(kw_only=True)
class Interface(Element, tag="interface"):
    """<interface type='bridge'>; `interface_id` names the logical port, `target` the tap device on the host."""

    type: str = at("@type", "bridge")
    mac: str = at("mac/@address")
    bridge: str = at("source/@bridge")
    virtualport: str = at("virtualport/@type", "openvswitch")
    interface_id: str = at("virtualport/parameters/@interfaceid")
    target: str = at("target/@dev")
    model: str = at("model/@type")
    offloads: Offloads | None = None
    mtu: int = at("mtu/@size")
    link: str | None = at("link/@state", None)
    boot_order: int | None = at("boot/@order", None)
    rom: bool | None = at("rom/@enabled", None)
