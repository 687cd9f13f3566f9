"""From a definition and its attachments to the declared XML: pure, so that golden files can hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from altus.common.units import KIB
from altus.drivers.hypervisor.base import VmAttachments
from altus.drivers.hypervisor.libvirt.build_devices import build_devices
from altus.drivers.hypervisor.libvirt.xml.clock import Clock
from altus.drivers.hypervisor.libvirt.xml.cpu import Cpu, CpuFeature, Vcpu
from altus.drivers.hypervisor.libvirt.xml.domain import Domain
from altus.drivers.hypervisor.libvirt.xml.features import Features
from altus.drivers.hypervisor.libvirt.xml.memory import Memory
from altus.drivers.hypervisor.libvirt.xml.metadata import AltusMetadata, Metadata
from altus.drivers.hypervisor.libvirt.xml.os import FirmwareFeature, FirmwareFeatures, Os
from altus.drivers.hypervisor.libvirt.xml.power import PowerManagement
from altus.model.cpu import GuestCpu
from altus.model.host import Acceleration
from altus.model.image import DirectKernel
from altus.model.vm import Firmware, VmDefinition

NAME_PREFIX = "altus-"
_TB_CACHE_MIB = 32


@dataclass(frozen=True, kw_only=True)
class HostChoices:
    """What depends on this host: acceleration, for each disk whether its file system does direct I/O, and where the
    VM's seed lies if it has one."""

    acceleration: Acceleration
    direct_io: Sequence[bool]
    seed: str | None = None


def domain_name(vm_id: str) -> str:
    """The domain's name on its host: VM names are unique only in their project, ids everywhere; the title has the
    name for people (`virsh list --title`)."""
    return f"{NAME_PREFIX}{vm_id}"


def build_domain(vm: VmDefinition, attachments: VmAttachments, host: HostChoices) -> Domain:
    """The domain which libvirt is told to keep."""
    hardware = vm.hardware
    tcg = host.acceleration is Acceleration.TCG
    return Domain(
        type="qemu" if tcg else "kvm",
        name=domain_name(vm.id),
        uuid=vm.id,
        title=vm.name,
        metadata=Metadata(altus=AltusMetadata.of(vm)),
        memory=Memory(amount=hardware.memory // KIB),
        vcpu=Vcpu(count=hardware.vcpus),
        os=_os(hardware.firmware, attachments.kernel),
        features=Features(tb_cache_unit="MiB", tb_cache=_TB_CACHE_MIB) if tcg else Features(),
        cpu=_cpu(hardware.vcpus, tcg=tcg) if vm.cpu is None else _given_cpu(hardware.vcpus, vm.cpu),
        clock=Clock(),
        pm=PowerManagement(),
        devices=build_devices(vm, attachments, direct_io=host.direct_io, seed=host.seed),
    )


def _os(firmware: Firmware, kernel: DirectKernel | None) -> Os:
    """UEFI is taken without secure boot, which most systems that people bring are not signed for."""
    efi = firmware is Firmware.UEFI
    no_secure_boot = FirmwareFeatures(features=(FirmwareFeature(enabled=False, name="secure-boot"),))
    return Os(
        firmware="efi" if efi else None,
        firmware_features=no_secure_boot if efi else None,
        kernel=kernel.kernel if kernel else None,
        initrd=kernel.initrd if kernel else None,
        cmdline=kernel.cmdline if kernel else None,
    )


def _cpu(vcpus: int, *, tcg: bool) -> Cpu:
    """Where nobody knows what other hosts can give: under KVM what this host has, in the form that can move to a
    similar one; under TCG all that QEMU can emulate, since current distributions need more than its old default."""
    if tcg:
        return Cpu(mode="maximum", check="none", cores=vcpus)
    return Cpu(mode="host-model", address_mode="passthrough", cores=vcpus)


def _given_cpu(vcpus: int, cpu: GuestCpu) -> Cpu:
    """Just this one: with all its features named libvirt starts no guest that has others. A model alone has a few more
    than libvirt knows of."""
    return Cpu(
        mode="custom",
        match="exact",
        check="full" if cpu.features else "partial",
        model=cpu.model,
        fallback="forbid",
        address_mode="emulate" if cpu.address_bits else None,
        address_bits=cpu.address_bits or None,
        cores=vcpus,
        features=tuple(CpuFeature(name=name) for name in cpu.features),
    )
