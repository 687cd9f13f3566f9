"""<devices>: all of a machine's devices."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.balloon import Balloon
from altus.drivers.hypervisor.libvirt.xml.channel import Channel
from altus.drivers.hypervisor.libvirt.xml.controller import Controller
from altus.drivers.hypervisor.libvirt.xml.disk import Disk
from altus.drivers.hypervisor.libvirt.xml.graphics import Graphics, Video
from altus.drivers.hypervisor.libvirt.xml.input import Input
from altus.drivers.hypervisor.libvirt.xml.interface import Interface
from altus.drivers.hypervisor.libvirt.xml.panic import Panic
from altus.drivers.hypervisor.libvirt.xml.rng import Rng
from altus.drivers.hypervisor.libvirt.xml.schema import Element
from altus.drivers.hypervisor.libvirt.xml.serial import Console, Serial


@dataclass(kw_only=True)
class Devices(Element, tag="devices"):
    """<devices>; QEMU's binary is left to libvirt."""

    controllers: tuple[Controller, ...]
    disks: tuple[Disk, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    serial: Serial
    console: Console
    channel: Channel
    input: Input
    graphics: Graphics
    video: Video
    balloon: Balloon
    rng: Rng
    panic: Panic
