"""<serial> and <console>: the serial console."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Serial(Element, tag="serial"):
    """<serial>: an ISA UART (ttyS0) behind a pty of the host."""

    type: str = at("@type", "pty")
    target: str = at("target/@type", "isa-serial")
    port: int = at("target/@port", 0)


@dataclass(kw_only=True)
class Console(Element, tag="console"):
    """<console>: says that the first serial port is the console that libvirt's `openConsole` means."""

    type: str = at("@type", "pty")
    target: str = at("target/@type", "serial")
    port: int = at("target/@port", 0)
