"""The devices of a VM.

Addresses that guests must find again (disks by serial, NICs by MAC and slot) stay the same when a disk is added: what
every VM has sits on the root complex, NICs take the first root ports and virtio disks those after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from altus.drivers.hypervisor.base import VmAttachments
from altus.drivers.hypervisor.libvirt.xml.address import DriveAddress, root_complex
from altus.drivers.hypervisor.libvirt.xml.balloon import Balloon
from altus.drivers.hypervisor.libvirt.xml.channel import Channel
from altus.drivers.hypervisor.libvirt.xml.controller import Controller
from altus.drivers.hypervisor.libvirt.xml.devices import Devices
from altus.drivers.hypervisor.libvirt.xml.disk import Disk
from altus.drivers.hypervisor.libvirt.xml.graphics import Graphics, Video
from altus.drivers.hypervisor.libvirt.xml.input import Input
from altus.drivers.hypervisor.libvirt.xml.interface import GuestOffloads, HostOffloads, Interface, Offloads
from altus.drivers.hypervisor.libvirt.xml.iotune import IoTune
from altus.drivers.hypervisor.libvirt.xml.panic import Panic
from altus.drivers.hypervisor.libvirt.xml.rng import Rng
from altus.drivers.hypervisor.libvirt.xml.serial import Console, Serial
from altus.model.network import NicAttachment
from altus.model.vm import BootDevice, DiskBus, NicLink, NicModel, VmDefinition, VmDisk, VmHardware, VmNic
from altus.model.volume import DiskSource

SPARE_PORTS = 4
_SATA_PORTS = 6
_SERIAL_SLOT, _BALLOON_SLOT, _RNG_SLOT, _SCSI_SLOT, _USB_SLOT = 2, 3, 4, 5, 6
_VIRTIO_SERIAL_LENGTH = 20


def build_devices(
    vm: VmDefinition, attachments: VmAttachments, *, direct_io: Sequence[bool], seed: str | None
) -> Devices:
    """All devices; `direct_io` tells for each disk whether its file may be opened with O_DIRECT."""
    disks = (*volume_disks(vm, attachments, direct_io), *_drives(vm, attachments, seed))
    return Devices(
        controllers=_controllers(vm.hardware, disks),
        disks=disks,
        interfaces=network_interfaces(vm, attachments),
        serial=Serial(),
        console=Console(),
        channel=Channel(),
        input=Input(),
        graphics=Graphics(),
        video=Video(),
        balloon=Balloon(address=root_complex(_BALLOON_SLOT)),
        rng=Rng(address=root_complex(_RNG_SLOT)),
        panic=Panic(),
    )


def volume_serial(volume_id: str) -> str:
    """What guests show as the disk's serial: the random end of the volume's id, as much as virtio has room for."""
    return volume_id.replace("-", "")[-_VIRTIO_SERIAL_LENGTH:]


def tap_name(port_id: str) -> str:
    """The tap device's name on the host, at most 15 characters, from the random end of the port's id."""
    return f"vp{port_id.replace('-', '')[-12:]}"


def _boot_order(hardware: VmHardware, device: BootDevice, index: int = 0) -> int | None:
    """Firmware tries in the order of `hardware.boot`: the first disk, the drive, then the NICs one by one."""
    if device not in hardware.boot:
        return None
    order = 1
    for earlier in hardware.boot[: hardware.boot.index(device)]:
        order += max(1, len(hardware.nics)) if earlier is BootDevice.NETWORK else 1
    return order + index


def volume_disks(vm: VmDefinition, attachments: VmAttachments, direct_io: Sequence[bool]) -> list[Disk]:
    """Volumes as disks. SCSI and SATA share the names sda, sdb …; libvirt takes names only as names, since the
    addresses are told."""
    counts = dict.fromkeys(DiskBus, 0)
    found = []
    for index, (disk, source, direct) in enumerate(zip(vm.hardware.disks, attachments.disks, direct_io, strict=True)):
        unit = counts[disk.bus]
        counts[disk.bus] += 1
        order = _boot_order(vm.hardware, BootDevice.DISK) if index == 0 else None
        found.append(_volume(disk, source, unit, direct=direct, boot_order=order))
    return found


def _volume(disk: VmDisk, source: DiskSource, unit: int, *, direct: bool, boot_order: int | None) -> Disk:
    return Disk(
        format=source.format,
        cache="none" if direct else "writeback",
        io="native" if direct else "threads",
        discard="unmap",
        detect_zeroes="unmap",
        source=source.path,
        target=target_name(disk.bus, unit),
        bus=disk.bus,
        serial=volume_serial(disk.volume_id),
        boot_order=boot_order,
        iotune=IoTune.made(disk.limits),
        address=drive_address(disk.bus, unit),
    )


def target_name(bus: DiskBus, unit: int) -> str:
    """A name that is unique in the VM: virtio vda …, SCSI sda … sdz, SATA from sdaa on."""
    letter = chr(ord("a") + unit % 26)
    if bus is DiskBus.SATA:
        return f"sd{chr(ord('a') + unit // 26)}{letter}"
    return f"{'vd' if bus is DiskBus.VIRTIO else 'sd'}{letter}"


def drive_address(bus: DiskBus, unit: int) -> DriveAddress | None:
    """Where disk number `unit` of a bus sits; None where each has a slot of its own."""
    if bus is DiskBus.SATA:
        return DriveAddress(controller=unit // _SATA_PORTS, unit=unit % _SATA_PORTS)
    return DriveAddress(controller=0, unit=unit) if bus is DiskBus.SCSI else None


def _drives(vm: VmDefinition, attachments: VmAttachments, seed: str | None) -> list[Disk]:
    """The CD drives: the ISO image if there is one, then the seed; both on SATA, which all guests can read."""
    unit = sum(disk.bus is DiskBus.SATA for disk in vm.hardware.disks)
    found = []
    if attachments.cdrom is not None:
        found.append(_drive(attachments.cdrom.path, unit, _boot_order(vm.hardware, BootDevice.CDROM)))
        unit += 1
    if seed is not None:
        found.append(_drive(seed, unit, None))
    return found


def _drive(path: str, unit: int, boot_order: int | None) -> Disk:
    return Disk(
        device="cdrom",
        format="raw",
        source=path,
        target=target_name(DiskBus.SATA, unit),
        bus=DiskBus.SATA,
        read_only=True,
        serial=PurePath(path).stem[-_VIRTIO_SERIAL_LENGTH:],
        boot_order=boot_order,
        address=drive_address(DiskBus.SATA, unit),
    )


def _controllers(hardware: VmHardware, disks: Sequence[Disk]) -> tuple[Controller, ...]:
    """Root ports for all that plugs into one, and spare ones for what is added while the VM runs."""
    sata = sum(disk.bus == DiskBus.SATA for disk in disks)
    scsi = any(disk.bus == DiskBus.SCSI for disk in disks)
    ports = len(hardware.nics) + sum(disk.bus == DiskBus.VIRTIO for disk in disks) + SPARE_PORTS
    return (
        Controller(type="pci", index=0, model="pcie-root"),
        *(Controller(type="pci", model="pcie-root-port") for _ in range(ports)),
        *(Controller(type="sata", index=index) for index in range(max(1, -(-sata // _SATA_PORTS)))),
        *((Controller(type="scsi", index=0, model="virtio-scsi", address=root_complex(_SCSI_SLOT)),) if scsi else ()),
        Controller(type="usb", index=0, model="qemu-xhci", address=root_complex(_USB_SLOT)),
        Controller(type="virtio-serial", index=0, address=root_complex(_SERIAL_SLOT)),
    )


def network_interfaces(vm: VmDefinition, attachments: VmAttachments) -> tuple[Interface, ...]:
    """One for each NIC, in their order."""
    pairs = zip(vm.hardware.nics, attachments.nics, strict=True)
    # without a boot ROM the firmware starts faster; it is needed only where the network may be booted from
    rom = BootDevice.NETWORK in vm.hardware.boot and attachments.kernel is None
    return tuple(
        _interface(nic, plug, order=_boot_order(vm.hardware, BootDevice.NETWORK, index) if rom else None)
        for index, (nic, plug) in enumerate(pairs)
    )


def _interface(nic: VmNic, plug: NicAttachment, *, order: int | None) -> Interface:
    needs_help = nic.model is NicModel.VIRTIO and not plug.checksum_offload
    return Interface(
        mac=nic.mac,
        bridge=plug.bridge,
        interface_id=plug.interface_id,
        target=tap_name(plug.port_id),
        model=nic.model,
        offloads=Offloads(host=HostOffloads(), guest=GuestOffloads()) if needs_help else None,
        mtu=plug.mtu,
        link=NicLink.DOWN if nic.link is NicLink.DOWN else None,
        boot_order=order,
        rom=None if order is not None else False,
    )
