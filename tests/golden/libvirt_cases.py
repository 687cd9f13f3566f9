"""The VMs whose XML is kept in tests/golden/libvirt/: together they exercise every declared field."""

from __future__ import annotations

from dataclasses import replace

from altus.common.ids import derived_id
from altus.common.units import GIB, MIB
from altus.drivers.hypervisor.base import VmAttachments
from altus.drivers.hypervisor.libvirt.build import HostChoices, build_domain
from altus.drivers.hypervisor.libvirt.xml.domain import Domain
from altus.model.cpu import GuestCpu
from altus.model.disk_limits import DiskLimits, DiskRate
from altus.model.host import Acceleration
from altus.model.image import DirectKernel
from altus.model.vm import BootDevice, DiskBus, Firmware, NicLink, NicModel, VmDefinition, VmDisk, VmHardware
from altus.model.volume import DiskSource
from tests.contract.hypervisor_samples import attachments, definition, disks, largest, nics

_SEED = "/var/lib/altus/vms/x/seed.iso"
_IOPS = DiskRate(rate=100, burst=200, seconds=30)
_KERNEL = DirectKernel(kernel="/srv/kernel", initrd="/srv/initrd", cmdline='console=ttyS0 a="<&>\'"')


def _vm(name: str, hardware: VmHardware) -> VmDefinition:
    return definition(name, vm_id=derived_id("vm", name), hardware=hardware)


def _domain(vm: VmDefinition, found: VmAttachments, *, kvm: bool = False, direct: bool = True,
            seed: str | None = None) -> Domain:  # fmt: skip
    kind = Acceleration.KVM if kvm else Acceleration.TCG
    direct_io = [direct] * len(vm.hardware.disks)
    return build_domain(vm, found, HostChoices(acceleration=kind, direct_io=direct_io, seed=seed))


def _usual(*, kvm: bool) -> Domain:
    vm = _vm("kvm" if kvm else "tcg", VmHardware(vcpus=2, memory=2 * GIB, disks=disks(2), nics=nics(1)))
    return _domain(vm, attachments(vm, offload=kvm), kvm=kvm, seed=_SEED)


def _pinned(*, kvm: bool) -> Domain:
    features = ("avx2", "lm", "ssbd") if kvm else ()
    cpu = GuestCpu(model="EPYC" if kvm else "Westmere", features=features, address_bits=48 if kvm else 0)
    vm = replace(_vm(f"cpu-{cpu.model}", VmHardware(vcpus=2)), cpu=cpu)
    return _domain(vm, attachments(vm), kvm=kvm)


def _direct_kernel() -> Domain:
    vm = _vm("direct-kernel", VmHardware(memory=128 * MIB, nics=nics(1)))
    return _domain(vm, attachments(vm, kernel=_KERNEL))


def _uefi_installer() -> Domain:
    boot = (BootDevice.CDROM, BootDevice.NETWORK, BootDevice.DISK)
    hardware = VmHardware(memory=4 * GIB, firmware=Firmware.UEFI, boot=boot, disks=disks(1), nics=nics(2))
    vm = _vm("uefi-installer", hardware)
    found = replace(attachments(vm), cdrom=DiskSource(path="/srv/install.iso", format="raw"))
    return _domain(vm, found, kvm=True, seed=_SEED)


def _all_buses() -> Domain:
    mixed = tuple(
        VmDisk(volume_id=derived_id("volume", f"{bus}{index}"), bus=bus) for bus in DiskBus for index in range(8)
    )
    hardware = VmHardware(disks=mixed, nics=nics(1, model=NicModel.E1000E), boot=(BootDevice.DISK,))
    vm = _vm("all-buses", hardware)
    return _domain(vm, attachments(vm, offload=False), direct=False)


def _slowed() -> Domain:
    """Disks with every limit there is, and a NIC without its cable."""
    whole = DiskLimits(total_bytes=DiskRate(rate=50 * MIB, burst=200 * MIB, seconds=10),
                       total_iops=DiskRate(rate=500, burst=1000, seconds=60))  # fmt: skip
    parts = DiskLimits(read_bytes=DiskRate(rate=50 * MIB, burst=200 * MIB, seconds=10), read_iops=_IOPS,
                       write_bytes=DiskRate(rate=20 * MIB, burst=50 * MIB, seconds=2), write_iops=_IOPS)  # fmt: skip
    first, second = disks(2)
    vm = _vm("slowed", VmHardware(disks=(replace(first, limits=whole), replace(second, limits=parts)),
                                  nics=nics(1, link=NicLink.DOWN)))  # fmt: skip
    return _domain(vm, attachments(vm))


def _limits(bus: DiskBus) -> Domain:
    full = largest()
    vm = _vm(f"limits-{bus}", replace(full, disks=disks(len(full.disks), bus=bus)))
    return _domain(vm, attachments(vm), seed=_SEED)


def cases() -> dict[str, Domain]:
    """File name without `.xml` → the domain."""
    return {
        "kvm": _usual(kvm=True),
        "tcg": _usual(kvm=False),
        "cpu-features": _pinned(kvm=True),
        "cpu-model": _pinned(kvm=False),
        "direct-kernel": _direct_kernel(),
        "uefi-installer": _uefi_installer(),
        "all-buses": _all_buses(),
        "slowed": _slowed(),
        **{f"limits-{bus}": _limits(bus) for bus in DiskBus},
    }
