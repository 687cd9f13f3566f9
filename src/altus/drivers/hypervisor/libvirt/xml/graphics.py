"""<graphics> and <video>: the display."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Graphics(Element, tag="graphics"):
    """<graphics>: VNC on a unix socket that only root and QEMU's user can open: nobody reaches it over a network."""

    type: str = at("@type", "vnc")
    listen: str = at("listen/@type", "socket")


@dataclass(kw_only=True)
class Video(Element, tag="video"):
    """<video>: standard VGA, which every firmware and guest shows something on; `vram` in KiB."""

    model: str = at("model/@type", "vga")
    vram: int = at("model/@vram", 16384)
    heads: int = at("model/@heads", 1)
    primary: bool = at("model/@primary", True)
