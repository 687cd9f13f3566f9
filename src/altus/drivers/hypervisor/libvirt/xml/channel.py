"""<channel>: the guest agent's line to the host."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at

AGENT_CHANNEL = "org.qemu.guest_agent.0"
"""Under this name QEMU's guest agent looks for it."""


@dataclass(kw_only=True)
class Channel(Element, tag="channel"):
    """<channel>: a virtio-serial port; libvirt picks the socket and speaks on it."""

    type: str = at("@type", "unix")
    target: str = at("target/@type", "virtio")
    name: str = at("target/@name", AGENT_CHANNEL)
