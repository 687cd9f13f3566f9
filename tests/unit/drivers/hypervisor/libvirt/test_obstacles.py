"""What a VM of Altus cannot have is named, so that adopting a domain loses nothing silently."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from altus.drivers.hypervisor.libvirt.obstacles import obstacles

_XML = """<domain type='kvm'><os><type arch='x86_64'>hvm</type></os><devices><emulator>/usr/bin/qemu</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/d'/><target dev='vda' bus='virtio'/>
</disk><disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk><controller type='pci'/>
<interface type='bridge'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>
<graphics type='vnc'/></devices></domain>"""


def test_a_plain_domain_has_none() -> None:
    assert list(obstacles(ET.fromstring(_XML), snapshots=0)) == []


def test_snapshots_would_be_lost() -> None:
    assert list(obstacles(ET.fromstring(_XML), snapshots=2)) == ["It has 2 snapshots."]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("<os>", "<os firmware='efi'>", "It boots by UEFI, whose variables cannot be taken over yet."),
        ("</os>", "<loader>/ovmf</loader></os>", "It boots by UEFI, whose variables cannot be taken over yet."),
        ("</os>", "<kernel>/vmlinuz</kernel></os>", "It boots from a kernel of its own."),
        ("'x86_64'", "'aarch64'", "It is a machine with aarch64, not hvm on x86_64."),
        (">hvm<", ">exe<", "It is no fully virtualized machine."),
        ("<graphics type='vnc'/>", "<hostdev/>", "It has a <hostdev>."),
        ("<graphics type='vnc'/>", "<tpm/>", "It has a <tpm>."),
        ("device='cdrom'", "device='floppy'", "It has a floppy."),
        ("bus='virtio'", "bus='ide'", "Its disk /d is on the bus ide."),
        ("type='qcow2'", "type='raw'", "Its disk /d is not qcow2 but raw."),
        ("<target dev='vda'", "<encryption/><target dev='vda'", "Its disk /d is encrypted."),
        ("<target dev='vda'", "<shareable/><target dev='vda'", "Its disk /d is read-only or shared."),
        ("<model type='virtio'/>", "<model type='e1000'/>", "It has a NIC of the model e1000."),
    ],
)
def test_what_cannot_be_taken_over_is_named(old: str, new: str, told: str) -> None:
    assert old in _XML
    root = ET.fromstring(_XML.replace(old, new, 1))
    assert list(obstacles(root, snapshots=0)) == [told]
