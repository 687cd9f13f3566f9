"""<os>: machine type, firmware, direct kernel boot. The order of boot devices stands at the devices."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class FirmwareFeature(Element, tag="feature"):
    """What a firmware image must or must not have, for libvirt's choice among those installed."""

    enabled: bool = at("@enabled")
    name: str = at("@name")


@dataclass(kw_only=True)
class FirmwareFeatures(Element, tag="firmware"):
    """<firmware>: the wanted features."""

    features: tuple[FirmwareFeature, ...]


@dataclass(kw_only=True)
class Os(Element, tag="os"):
    """<os>; `firmware` is "efi" or None for BIOS."""

    firmware: str | None = at("@firmware", None)
    arch: str = at("type/@arch", "x86_64")
    machine: str = at("type/@machine", "q35")
    type: str = at("type/.", "hvm")
    firmware_features: FirmwareFeatures | None = None
    kernel: str | None = at("kernel", None)
    initrd: str | None = at("initrd", None)
    cmdline: str | None = at("cmdline", None)
