"""How definitions become devices, where golden files alone would not say why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from altus.drivers.hypervisor.libvirt.build import HostChoices, build_domain
from altus.drivers.hypervisor.libvirt.build_devices import tap_name, volume_serial
from altus.drivers.hypervisor.libvirt.xml.domain import Domain
from altus.drivers.hypervisor.libvirt.xml.metadata import parse_metadata
from altus.model.host import Acceleration
from altus.model.image import DirectKernel
from altus.model.vm import MAX_DISKS, BootDevice, DiskBus, NicModel, VmDisk, VmHardware
from altus.model.volume import DiskSource
from tests.contract.hypervisor_samples import attachments, definition, disks, nics


def _domain(hardware: VmHardware, *, cdrom: bool = False, kernel: bool = False, offload: bool = True) -> Domain:
    vm = definition(hardware=hardware)
    found = attachments(
        vm, offload=offload, kernel=DirectKernel(kernel="/k", initrd="/i", cmdline="c") if kernel else None
    )
    if cdrom:
        found = replace(found, cdrom=DiskSource(path="/iso", format="raw"))
    choices = HostChoices(acceleration=Acceleration.TCG, direct_io=[True] * len(hardware.disks), seed="/seed.iso")
    return build_domain(vm, found, choices)


def _orders(domain: Domain) -> dict[str, int]:
    """Target or MAC → boot order."""
    found = {disk.target: disk.boot_order for disk in domain.devices.disks}
    found |= {nic.mac: nic.boot_order for nic in domain.devices.interfaces}
    return {name: order for name, order in found.items() if order is not None}


def test_boot_order_follows_the_hardware() -> None:
    boot = (BootDevice.NETWORK, BootDevice.CDROM, BootDevice.DISK)
    domain = _domain(VmHardware(boot=boot, disks=disks(2), nics=nics(2)), cdrom=True)
    first, second = (nic.mac for nic in domain.devices.interfaces)
    assert _orders(domain) == {first: 1, second: 2, "sdaa": 3, "vda": 4}


def test_boot_orders_are_unique_whatever_is_missing() -> None:
    for boot in ((BootDevice.NETWORK, BootDevice.DISK), (BootDevice.CDROM, BootDevice.DISK, BootDevice.NETWORK)):
        orders = list(_orders(_domain(VmHardware(boot=boot, disks=disks(1), nics=nics(3)))).values())
        assert len(orders) == len(set(orders))


def test_nics_have_a_boot_rom_only_where_the_network_may_be_booted() -> None:
    hardware = VmHardware(nics=nics(1))
    assert _domain(hardware).devices.interfaces[0].rom is None
    assert _domain(hardware, kernel=True).devices.interfaces[0].rom is False
    assert _domain(replace(hardware, boot=(BootDevice.DISK,))).devices.interfaces[0].rom is False


@pytest.mark.parametrize("buses", [tuple(DiskBus), (DiskBus.SATA,), (DiskBus.SCSI, DiskBus.SATA)])
def test_names_and_places_of_many_disks_are_unique(buses: tuple[DiskBus, ...]) -> None:
    mixed = tuple(VmDisk(volume_id=f"v{index}", bus=buses[index % len(buses)]) for index in range(MAX_DISKS))
    found = _domain(VmHardware(disks=mixed), cdrom=True).devices.disks
    assert len(found) == MAX_DISKS + 2
    assert len({disk.target for disk in found}) == len(found)
    places = [(disk.bus, disk.address.controller, disk.address.unit) for disk in found if disk.address is not None]
    assert len(set(places)) == len(places)
    controllers = {(c.type, c.index) for c in _domain(VmHardware(disks=mixed), cdrom=True).devices.controllers}
    assert {(bus, controller) for bus, controller, _ in places} <= controllers


def test_offloads_are_switched_off_only_for_virtio_on_a_datapath_without_them() -> None:
    virtio, emulated = VmHardware(nics=nics(1)), VmHardware(nics=nics(1, model=NicModel.E1000E))
    assert _domain(virtio, offload=False).devices.interfaces[0].offloads is not None
    assert _domain(virtio).devices.interfaces[0].offloads is None
    assert _domain(emulated, offload=False).devices.interfaces[0].offloads is None


def test_names_drawn_from_ids_fit_their_limits() -> None:
    vm = definition(hardware=VmHardware(disks=disks(1), nics=nics(1)))
    assert len(tap_name(vm.hardware.nics[0].id)) <= 15
    assert len(volume_serial(vm.hardware.disks[0].volume_id)) == 20


def test_metadata_gives_the_whole_definition_back() -> None:
    vm = definition("a-name", hardware=VmHardware(disks=disks(3, bus=DiskBus.SCSI), nics=nics(2)))
    choices = HostChoices(acceleration=Acceleration.KVM, direct_io=[True] * 3)
    written = build_domain(vm, attachments(vm), choices).metadata.altus.to_text()
    assert parse_metadata(written).vm() == vm
