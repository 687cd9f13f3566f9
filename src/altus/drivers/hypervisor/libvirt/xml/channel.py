"""<channel>: the guest agent's line to the host."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Channel(Element, tag="channel"):
    """<channel>: a virtio-serial port; libvirt picks the socket and speaks on it."""

    type: str = at("@type", "unix")
    target: str = at("target/@type", "virtio")
    name: str = at("target/@name", "org.qemu.guest_agent.0")
