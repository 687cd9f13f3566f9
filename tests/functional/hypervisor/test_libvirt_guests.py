"""Real guests see the devices they were given."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import libvirt
import pytest

from altus.common.ids import new_id
from altus.common.units import MIB
from altus.drivers.hypervisor.base import VmAttachments
from altus.drivers.hypervisor.libvirt.build import domain_name
from altus.drivers.hypervisor.libvirt.build_devices import tap_name, volume_serial
from altus.drivers.hypervisor.libvirt.observe import read_metadata
from altus.model.vm import (
    MAX_DISKS,
    MAX_NICS,
    CloudInit,
    DiskBus,
    Firmware,
    NicModel,
    VmDefinition,
    VmDisk,
    VmHardware,
    VmState,
)
from altus.model.volume import DiskSource
from tests.contract.hypervisor_rigs import LibvirtRig, until, virsh
from tests.contract.hypervisor_samples import definition, disks, nics
from tests.functional.hypervisor import inside

pytestmark = pytest.mark.functional

_ALL_BUSES = tuple(VmDisk(volume_id=new_id(), bus=bus) for bus in DiskBus for _ in range(2))


async def _attachments(rig: LibvirtRig, vm: VmDefinition) -> VmAttachments:
    """Everything the VM has, with real files for its disks."""
    found = await rig.bootable(vm)
    return replace(found, disks=[_volume(disk.volume_id) for disk in vm.hardware.disks])


def _volume(volume_id: str) -> DiskSource:
    folder = Path("/var/lib/altus/volumes")
    folder.mkdir(mode=0o711, exist_ok=True)
    path = folder / f"{volume_id}.qcow2"
    if not path.exists():
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "8M"], check=True)
    return DiskSource(path=str(path))


async def _boot(rig: LibvirtRig, vm: VmDefinition, found: VmAttachments, seconds: float = 60) -> None:
    await rig.driver.define(vm, found)
    await rig.driver.start(vm.id)

    async def answers() -> bool:
        return await rig.driver.guest(vm.id) is not None

    await until(answers, "guest agent answers", seconds)


async def _network(rig: LibvirtRig) -> None:
    """Open vSwitch and the bridge that guests are plugged into."""
    rig.services.start(["ovn"])
    bridge = Path("/sys/class/net/br-int")

    async def there() -> bool:
        return bridge.exists()

    await until(there, "bridge br-int is there")


def _plugged(port_id: str) -> str:
    """The logical port which Open vSwitch has on a VM's tap device."""
    said = ["ovs-vsctl", "get", "Interface", tap_name(port_id), "external_ids:iface-id"]
    return subprocess.check_output(said, text=True).strip().strip('"')


def _qemu(vm_id: str) -> int:
    return int(Path(f"/run/libvirt/qemu/{domain_name(vm_id)}.pid").read_text())


async def test_guest_sees_the_disks_of_every_bus(rig: LibvirtRig) -> None:
    vm = definition(hardware=VmHardware(memory=160 * MIB, disks=_ALL_BUSES))
    await _boot(rig, vm, await _attachments(rig, vm))
    found = await inside.run(
        vm.id, "cat /sys/block/*/serial /sys/block/*/device/vpd_pg80 | tr -d '\\0'; echo; ls /sys/block"
    )
    assert sum(f"{kind}{letter}" in found.split() for kind in ("vd", "sd") for letter in "abcd") == len(_ALL_BUSES)
    for disk in _ALL_BUSES[:4]:  # the kernel keeps no file with the serial of a SATA disk
        assert volume_serial(disk.volume_id) in found, disk


async def test_guest_sees_its_nics_and_open_vswitch_its_ports(rig: LibvirtRig) -> None:
    await _network(rig)
    both = (*nics(1), *nics(2, model=NicModel.E1000E)[1:])
    vm = definition(hardware=VmHardware(memory=160 * MIB, nics=both))
    found = await _attachments(rig, vm)
    await _boot(rig, vm, replace(found, nics=[replace(plug, checksum_offload=False) for plug in found.nics]))
    macs = await inside.run(vm.id, "cat /sys/class/net/*/address")
    for nic in both:
        assert nic.mac in macs.split()
        assert _plugged(nic.id) == nic.id
    driver = ET.fromstring(virsh("dumpxml", domain_name(vm.id))).find("devices/interface/driver/host")
    assert driver is not None
    assert driver.get("csum") == "off"


@pytest.mark.parametrize("firmware", Firmware)
async def test_guest_boots_from_its_disk_and_reads_its_seed(rig: LibvirtRig, firmware: Firmware) -> None:
    vm = definition("from-disk", hardware=VmHardware(memory=512 * MIB, disks=disks(1), firmware=firmware))
    kernel = (await rig.bootable(vm)).kernel
    assert kernel is not None
    copy = _volume(vm.hardware.disks[0].volume_id)
    shutil.copyfile(Path(kernel.kernel).with_name("disk"), copy.path)
    seed = CloudInit(ssh_keys=("ssh-ed25519 AAAAtest me@here",))
    await _boot(rig, vm, VmAttachments(disks=[copy], nics=[], seed=seed), seconds=120)
    assert (await inside.run(vm.id, "hostname")).strip() == vm.name
    assert "AAAAtest" in await inside.run(vm.id, "cat /root/.ssh/authorized_keys")
    efi = await inside.run(vm.id, "ls -d /sys/firmware/efi")
    assert bool(efi.strip()) is (firmware is Firmware.UEFI)
    Path(copy.path).unlink()


async def test_vm_with_all_its_disks_and_nics_runs(rig: LibvirtRig) -> None:
    await _network(rig)
    vm = definition(hardware=VmHardware(vcpus=8, memory=256 * MIB, disks=disks(MAX_DISKS), nics=nics(MAX_NICS)))
    await _boot(rig, vm, await _attachments(rig, vm), seconds=120)
    found = await inside.run(vm.id, "ls /sys/block /sys/class/net; nproc")
    assert sum(name.startswith("vd") for name in found.split()) == MAX_DISKS
    assert sum(name.startswith("eth") for name in found.split()) == MAX_NICS
    assert found.split()[-1] == "8"


async def test_uefi_variables_go_with_the_vm(rig: LibvirtRig) -> None:
    vm = definition(hardware=VmHardware(memory=256 * MIB, firmware=Firmware.UEFI))
    await rig.driver.define(vm, VmAttachments(disks=[], nics=[]))
    await rig.driver.start(vm.id)
    variables = Path("/var/lib/libvirt/qemu/nvram")
    assert list(variables.glob(f"*{vm.id}*"))
    await rig.driver.destroy(vm.id)
    await rig.driver.undefine(vm.id)
    assert not list(variables.glob(f"*{vm.id}*"))


async def test_qemu_is_not_root_and_its_display_is_on_no_network(rig: LibvirtRig) -> None:
    vm = definition()
    await rig.driver.define(vm, await rig.bootable(vm))
    await rig.driver.start(vm.id)
    status = Path(f"/proc/{_qemu(vm.id)}/status").read_text()
    assert next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1] != "0"
    graphics = ET.fromstring(virsh("dumpxml", domain_name(vm.id))).find("devices/graphics")
    assert graphics is not None
    assert graphics.get("port") is None
    assert graphics.get("socket")
    seed = rig.folder / "vms" / vm.id / "seed.iso"
    assert seed.stat().st_mode & 0o077 == 0


async def test_domains_of_others_are_not_ours(rig: LibvirtRig, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.xml"
    foreign.write_text(
        "<domain type='qemu'><name>theirs</name><memory>65536</memory><os><type>hvm</type></os></domain>"
    )
    virsh("define", str(foreign))
    try:
        vm = definition()
        await rig.driver.define(vm, await rig.bootable(vm))
        assert [seen.id for seen in await rig.driver.observe_all()] == [vm.id]
    finally:
        virsh("undefine", "theirs")


async def test_definition_can_be_rebuilt_from_the_host(rig: LibvirtRig) -> None:
    vm = definition(hardware=VmHardware(vcpus=3, disks=_ALL_BUSES))
    await rig.driver.define(vm, await _attachments(rig, vm))
    connection = libvirt.open("qemu:///system")
    try:
        kept = read_metadata(connection.lookupByUUIDString(vm.id))
    finally:
        connection.close()
    assert kept is not None
    assert kept.vm() == vm


async def test_vm_runs_on_while_libvirtd_is_killed_and_started_again(rig: LibvirtRig) -> None:
    vm = definition()
    await _boot(rig, vm, await rig.bootable(vm))
    qemu = _qemu(vm.id)
    uptime = float((await inside.run(vm.id, "cat /proc/uptime")).split()[0])
    await rig.lose_daemon()
    await rig.restore_daemon()
    seen = await rig.driver.observe(vm.id)
    assert seen is not None
    assert seen.state is VmState.RUNNING
    assert _qemu(vm.id) == qemu
    assert float((await inside.run(vm.id, "cat /proc/uptime")).split()[0]) > uptime


async def test_qemu_killed_while_libvirtd_is_away_is_seen_when_it_is_back(rig: LibvirtRig) -> None:
    vm = definition()
    await rig.driver.define(vm, await rig.bootable(vm))
    await rig.driver.start(vm.id)
    await rig.lose_daemon()
    await rig.kill_process(vm.id)
    await rig.restore_daemon()

    async def ended() -> bool:
        seen = await rig.driver.observe(vm.id)
        return seen is not None and seen.state in {VmState.STOPPED, VmState.CRASHED}

    await until(ended, "the VM's end is noticed")
    await rig.driver.start(vm.id)
    seen = await rig.driver.observe(vm.id)
    assert seen is not None
    assert seen.state is VmState.RUNNING
