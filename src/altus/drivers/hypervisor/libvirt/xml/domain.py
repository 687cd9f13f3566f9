"""<domain>: a whole virtual machine."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.clock import Clock
from altus.drivers.hypervisor.libvirt.xml.cpu import Cpu, Vcpu
from altus.drivers.hypervisor.libvirt.xml.devices import Devices
from altus.drivers.hypervisor.libvirt.xml.features import Features
from altus.drivers.hypervisor.libvirt.xml.memory import Memory
from altus.drivers.hypervisor.libvirt.xml.metadata import Metadata
from altus.drivers.hypervisor.libvirt.xml.os import Os
from altus.drivers.hypervisor.libvirt.xml.power import PowerManagement
from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Domain(Element, tag="domain"):
    """<domain>; `type` is kvm or qemu, always told, since libvirt would believe in a KVM that cannot run guests.

    A guest whose kernel panics is ended, which libvirt then reports as crashed.
    """

    type: str = at("@type")
    name: str = at("name")
    uuid: str = at("uuid")
    title: str = at("title")
    metadata: Metadata
    memory: Memory
    vcpu: Vcpu
    os: Os
    features: Features
    cpu: Cpu
    clock: Clock
    on_poweroff: str = at("on_poweroff", "destroy")
    on_reboot: str = at("on_reboot", "restart")
    on_crash: str = at("on_crash", "destroy")
    pm: PowerManagement
    devices: Devices
