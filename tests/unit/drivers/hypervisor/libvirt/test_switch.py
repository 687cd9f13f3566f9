"""What stands below a disk is forgotten where it is called by a name that means something else."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from altus.drivers.hypervisor.libvirt.switch import without_backing

_DOMAIN = """<domain><devices><disk><source file='{top}' index='2'/><backingStore type='file' index='1'>
<source file='{below}'/><backingStore type='file'><source file='/images/i'/><backingStore/></backingStore>
</backingStore><target dev='vda'/></disk><disk><source file='/cd'/><target dev='sda'/></disk></devices></domain>"""


def _below(definition: str) -> list[ET.Element]:
    return ET.fromstring(without_backing(definition)).findall("devices/disk/backingStore")


def test_a_disk_that_was_switched_is_looked_up_anew() -> None:
    assert _below(_DOMAIN.format(top="/volumes/a", below="/volumes/a")) == []


def test_other_disks_stay_as_they_are() -> None:
    assert len(_below(_DOMAIN.format(top="/volumes/a", below="/layers/a"))) == 1
