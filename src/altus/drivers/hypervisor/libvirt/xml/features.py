"""<features>: what the hypervisor offers beyond the processor."""

from __future__ import annotations

from dataclasses import dataclass

from altus.drivers.hypervisor.libvirt.xml.schema import Element, at


@dataclass(kw_only=True)
class Features(Element, tag="features"):
    """<features>; `tb_cache` (MiB) bounds QEMU's translation cache, which takes 1 GiB by default, under TCG only."""

    acpi: bool | None = at("acpi/?", True)
    apic: bool | None = at("apic/?", True)
    vmport: str = at("vmport/@state", "off")
    tb_cache_unit: str | None = at("tcg/tb-cache/@unit", None)
    tb_cache: int | None = at("tcg/tb-cache/.", None)
