"""Definitions and attachments to test hypervisors with."""

from __future__ import annotations

from dataclasses import replace

from altus.common.ids import derived_id, new_id
from altus.common.units import MIB
from altus.drivers.hypervisor.base import Hypervisor, VmAttachments
from altus.model.image import DirectKernel
from altus.model.label import Label
from altus.model.network import NicAttachment, mac_of
from altus.model.resource import DEFAULT_PROJECT
from altus.model.vm import MAX_DISKS, MAX_MEMORY, MAX_NICS, MAX_VCPUS, VmDefinition, VmDisk, VmHardware, VmNic
from altus.model.volume import DiskSource


def definition(name: str = "web1", *, vm_id: str | None = None, hardware: VmHardware | None = None) -> VmDefinition:
    """A VM; the smallest one that a Linux guest boots on unless `hardware` is given."""
    return VmDefinition(
        id=vm_id or new_id(),
        name=name,
        project_id=DEFAULT_PROJECT,
        label=Label.OPEN,
        revision=1,
        storage_id=derived_id("storage"),
        hardware=hardware or VmHardware(memory=128 * MIB),
    )


def revised(vm: VmDefinition, hardware: VmHardware) -> VmDefinition:
    """The next revision of `vm`."""
    return replace(vm, revision=vm.revision + 1, hardware=hardware)


def disks(count: int, **options: object) -> tuple[VmDisk, ...]:
    """`count` disks with ids that stay the same from run to run."""
    return tuple(VmDisk(volume_id=derived_id("volume", str(index)), **options) for index in range(count))  # type: ignore[arg-type]


def nics(count: int, **options: object) -> tuple[VmNic, ...]:
    """`count` NICs with ids, MACs and addresses that stay the same from run to run."""
    ports = [derived_id("port", str(index)) for index in range(count)]
    return tuple(
        VmNic(id=port, network_id=derived_id("network"), mac=mac_of(port), address=f"10.20.0.{index + 10}", **options)  # type: ignore[arg-type]
        for index, port in enumerate(ports)
    )


def attachments(vm: VmDefinition, *, kernel: DirectKernel | None = None, offload: bool = True) -> VmAttachments:
    """Paths and ports for all that `vm` has, without looking whether they exist."""
    return VmAttachments(
        disks=[DiskSource(path=f"/var/lib/altus/volumes/{disk.volume_id}.qcow2") for disk in vm.hardware.disks],
        nics=[
            NicAttachment(port_id=nic.id, bridge="br-int", interface_id=nic.id, mtu=1442, checksum_offload=offload)
            for nic in vm.hardware.nics
        ],
        kernel=kernel,
    )


def largest() -> VmHardware:
    """All limits at once."""
    return VmHardware(vcpus=MAX_VCPUS, memory=MAX_MEMORY, disks=disks(MAX_DISKS), nics=nics(MAX_NICS))


async def defined(driver: Hypervisor, vm: VmDefinition | None = None) -> VmDefinition:
    """A stopped VM without anything to boot from: it starts fast and does nothing."""
    vm = vm or definition()
    await driver.define(vm, attachments(vm))
    return vm
