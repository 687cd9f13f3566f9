"""What the running domain has, read from its XML: where more can be plugged in, and how it is changed. Pure."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from altus.drivers.hypervisor.libvirt.build_devices import drive_address, target_name, volume_serial
from altus.drivers.hypervisor.libvirt.xml.disk import Disk
from altus.drivers.hypervisor.libvirt.xml.interface import Interface
from altus.drivers.hypervisor.libvirt.xml.iotune import IoTune
from altus.model.disk_limits import DiskLimits
from altus.model.vm import MAX_DISKS, DiskBus, NicLink


class LiveDomain:
    """One look at a running domain. Disks are known by their serials, NICs by their ports, whatever libvirt calls them
    in the running domain: there names are given when a device comes and stay until it goes."""

    def __init__(self, xml: str) -> None:
        self._root = ET.fromstring(xml)  # noqa: S314 - libvirt's own
        self.disks = {disk.findtext("serial", ""): disk for disk in self._root.iterfind("devices/disk")}
        self.nics = {_value(nic, "virtualport/parameters", "interfaceid"): nic
                     for nic in self._root.iterfind("devices/interface")}  # fmt: skip

    def alias(self, device_id: str) -> str | None:
        """What QEMU calls a volume's disk or a port's NIC; None if there is none."""
        device = self.disks.get(volume_serial(device_id))
        device = self.nics.get(device_id) if device is None else device
        return None if device is None else _value(device, "alias", "name")

    @property
    def aliases(self) -> set[str]:
        """What QEMU calls all of its devices."""
        return {_value(device, "alias", "name") for device in self._root.iterfind("devices/*")}

    def free_slots(self) -> int:
        """Root ports that nothing is plugged into."""
        ports = {one.get("index") for one in self._root.iterfind("devices/controller[@model='pcie-root-port']")}
        buses = {int(one.get("bus", "0"), 16) for one in self._root.iterfind("devices/*/address[@type='pci']")}
        return len(ports - {str(bus) for bus in buses})

    def fitted(self, disk: Disk) -> Disk:
        """The disk with a name and a place that are free here: those of the definition may be taken still by one that
        it does not have any more."""
        bus = DiskBus(disk.bus)
        names = {_value(one, "target", "dev") for one in self._root.iterfind("devices/disk")}
        places = set(self._places(bus))
        unit = next(unit for unit in range(2 * MAX_DISKS) if target_name(bus, unit) not in names and unit not in places)
        return dataclasses.replace(disk, target=target_name(bus, unit), address=drive_address(bus, unit))

    def limits(self, serial: str) -> DiskLimits:
        """How fast a disk may be."""
        tune = self.disks[serial].find("iotune")
        return DiskLimits() if tune is None else IoTune.from_xml(tune).limits

    def target(self, serial: str) -> str:
        """What libvirt calls a disk here."""
        return _value(self.disks[serial], "target", "dev")

    def link(self, port_id: str) -> NicLink:
        """Whether a NIC has its link."""
        return NicLink(_value(self.nics[port_id], "link", "state") or NicLink.UP)

    def linked(self, port_id: str, link: NicLink) -> str:
        """The NIC's XML with the link like that, and nothing else changed."""
        nic = copy.deepcopy(self.nics[port_id])
        element = nic.find("link")
        (ET.SubElement(nic, "link") if element is None else element).set("state", link)
        return ET.tostring(nic, encoding="unicode")

    def _places(self, bus: DiskBus) -> Iterator[int]:
        for disk in self._root.iterfind("devices/disk"):
            if bus is DiskBus.SCSI and _value(disk, "target", "bus") == bus:
                yield int(_value(disk, "address", "unit"))


def plugged_in_late(interface: Interface) -> Interface:
    """A NIC that comes while the guest runs takes no turn in the order of boot, which is given away already."""
    return dataclasses.replace(interface, boot_order=None, rom=False)


def tuned(limits: DiskLimits) -> dict[str, int]:
    """What `virDomainSetBlockIoTune` is told: every number, since those left out would stay."""
    numbers = limits.numbers
    return {field.metadata["place"]: numbers.get(field.name, 0) for field in dataclasses.fields(IoTune)}


def _value(element: ET.Element, child: str, attribute: str) -> str:
    found = element.find(child)
    return "" if found is None else found.get(attribute, "")
