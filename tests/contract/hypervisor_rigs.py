"""What the contract suite needs beyond the protocol, for each hypervisor: guests to boot and ways to break things."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree as ET

from altus.common.units import MIB
from altus.drivers.hypervisor.base import Hypervisor, VmAttachments
from altus.drivers.hypervisor.fake import FakeHypervisor
from altus.drivers.hypervisor.libvirt.build import domain_name
from altus.drivers.hypervisor.libvirt.driver import LibvirtHypervisor
from altus.drivers.image.load import builder
from altus.model.cpu import GuestCpu
from altus.model.domain import DomainFacts, DomainNic
from altus.model.image import BuiltinImage, DirectKernel
from altus.model.network import mac_of
from altus.model.vm import CloudInit, VmDefinition, VmState
from altus.model.volume import DiskSource
from devkit.services.plain import Plain
from devkit.testmachine import ENVIRONMENT
from tests.contract.hypervisor_samples import attachments

PATIENCE = 40.0
_POLL = 0.02
_DISKS = Path("/var/lib/altus/disks")


class Rig(Protocol):
    """One hypervisor under test."""

    driver: Hypervisor

    async def bootable(self, vm: VmDefinition) -> VmAttachments:
        """Attachments with which the VM boots a guest that has an agent and a login prompt."""
        ...

    async def reopen(self) -> None:
        """Replace the driver by a new one on the same host, as a restarted agent does."""
        ...

    async def guest_cpu(self, vm_id: str) -> GuestCpu:
        """The CPU that the running guest has, told by standard tools."""
        ...

    async def disk(self, volume_id: str) -> DiskSource:
        """A disk of 4 MiB for a volume."""
        ...

    async def let_keep(self, vm_id: str) -> None:
        """Let the VM, which has nothing to boot, keep every device that it has, with little patience for it."""
        ...

    async def stranger(self, domain_id: str) -> None:
        """Somebody defines a domain `legacy` with this id, 2 vCPUs, 64 MiB and a NIC."""
        ...

    async def expel(self, domain_id: str) -> None:
        """And takes it away again."""
        ...

    async def cut_power(self, vm_id: str) -> None:
        """End the VM behind the driver's back, by standard tools."""
        ...

    async def kill_process(self, vm_id: str) -> None:
        """kill -9 what runs the VM."""
        ...

    async def lose_daemon(self) -> None:
        """kill -9 what the driver talks to."""
        ...

    async def restore_daemon(self) -> None:
        """Start it again."""
        ...

    async def clear(self) -> None:
        """Leave nothing behind."""
        ...


async def until(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition of the outside world."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(_POLL)


async def until_state(driver: Hypervisor, vm_id: str, state: VmState) -> None:
    """Wait until the VM is observed in `state`."""

    async def there() -> bool:
        seen = await driver.observe(vm_id)
        return seen is not None and seen.state is state

    await until(there, f"VM {vm_id} is {state}")


async def clear_vms(driver: Hypervisor) -> None:
    """Remove every VM."""
    for seen in await driver.observe_all():
        await driver.destroy(seen.id)
        await driver.undefine(seen.id)


class FakeRig:
    """The fake, kept in a file so that it can be opened again."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "fake.db"
        self._fake = FakeHypervisor(self._path)
        self.driver: Hypervisor = self._fake

    async def bootable(self, vm: VmDefinition) -> VmAttachments:
        """See `Rig`."""
        return replace(attachments(vm), seed=CloudInit())

    async def reopen(self) -> None:
        """See `Rig`."""
        await self.driver.close()
        self.driver = self._fake = FakeHypervisor(self._path)

    async def guest_cpu(self, vm_id: str) -> GuestCpu:
        """See `Rig`."""
        found = self._fake.others.guest_cpu(vm_id)
        assert found is not None
        return found

    async def disk(self, volume_id: str) -> DiskSource:
        """See `Rig`."""
        return DiskSource(path=f"/nowhere/{volume_id}")

    async def let_keep(self, vm_id: str) -> None:
        """See `Rig`."""
        self._fake.devices.stubborn.add(vm_id)

    async def stranger(self, domain_id: str) -> None:
        """See `Rig`."""
        self._fake.others.define(DomainFacts(id=domain_id, name="legacy", state=VmState.STOPPED, ours=False,
                                             persistent=True, vcpus=2, memory=64 * MIB,
                                             nics=(DomainNic(mac=mac_of(domain_id), model="virtio"),)))  # fmt: skip

    async def expel(self, domain_id: str) -> None:
        """See `Rig`: it ends with this object anyway."""

    async def cut_power(self, vm_id: str) -> None:
        """See `Rig`."""
        await self._fake.destroy(vm_id)

    async def kill_process(self, vm_id: str) -> None:
        """See `Rig`."""
        self._fake.crash(vm_id)

    async def lose_daemon(self) -> None:
        """See `Rig`."""
        self._fake.disconnect()

    async def restore_daemon(self) -> None:
        """See `Rig`."""
        self._fake.reconnect()

    async def clear(self) -> None:
        """See `Rig`."""
        self._fake.reconnect()
        await clear_vms(self.driver)
        await self.driver.close()


class LibvirtRig:
    """The test machine's libvirt; guests are the tiny image."""

    def __init__(self) -> None:
        self.services = start_libvirt()
        # the machine's own, which QEMU's user may pass through and in which the verdict on KVM stays known
        self.folder = Path("/var/lib/altus/hypervisor")
        self.driver: Hypervisor = LibvirtHypervisor(self.folder)

    async def bootable(self, vm: VmDefinition) -> VmAttachments:
        """See `Rig`."""
        return replace(attachments(vm, kernel=await tiny_kernel()), seed=CloudInit())

    async def reopen(self) -> None:
        """See `Rig`."""
        await self.driver.close()
        self.driver = LibvirtHypervisor(self.folder)

    async def guest_cpu(self, vm_id: str) -> GuestCpu:
        """See `Rig`."""
        live = await asyncio.to_thread(virsh, "dumpxml", domain_name(vm_id))
        cpu = ET.fromstring(live).find("cpu")
        assert cpu is not None
        required = sorted(one.get("name", "") for one in cpu.iterfind("feature[@policy='require']"))
        return GuestCpu(model=cpu.findtext("model", ""), features=tuple(required))

    async def disk(self, volume_id: str) -> DiskSource:
        """See `Rig`."""
        _DISKS.mkdir(mode=0o711, exist_ok=True)
        path = _DISKS / f"{volume_id}.qcow2"
        if not path.exists():
            making = ("qemu-img", "create", "-q", "-f", "qcow2", str(path), "4M")
            await asyncio.to_thread(subprocess.run, making, check=True)
        return DiskSource(path=str(path))

    async def let_keep(self, vm_id: str) -> None:
        """See `Rig`: without a system nobody answers."""
        await self.driver.close()
        self.driver = LibvirtHypervisor(self.folder, release_seconds=1)

    async def stranger(self, domain_id: str) -> None:
        """See `Rig`."""
        file = Path("/run/legacy.xml")
        file.write_text(
            f"<domain type='qemu'><name>legacy</name><uuid>{domain_id}</uuid><memory unit='MiB'>64</memory>"
            "<vcpu>2</vcpu><os><type arch='x86_64'>hvm</type></os><devices><interface type='user'>"
            f"<mac address='{mac_of(domain_id)}'/><model type='virtio'/></interface></devices></domain>"
        )
        await asyncio.to_thread(virsh, "define", str(file))

    async def expel(self, domain_id: str) -> None:
        """See `Rig`."""
        await asyncio.to_thread(virsh, "undefine", domain_id)

    async def cut_power(self, vm_id: str) -> None:
        """See `Rig`."""
        await asyncio.to_thread(virsh, "destroy", domain_name(vm_id))

    async def kill_process(self, vm_id: str) -> None:
        """See `Rig`."""
        os.kill(int(Path(f"/run/libvirt/qemu/{domain_name(vm_id)}.pid").read_text()), signal.SIGKILL)

    async def lose_daemon(self) -> None:
        """See `Rig`."""
        await asyncio.to_thread(self.services.kill, "libvirtd")

    async def restore_daemon(self) -> None:
        """See `Rig`."""
        await asyncio.to_thread(self.services.start, ["libvirt"])

    async def clear(self) -> None:
        """See `Rig`."""
        await self.restore_daemon()
        await clear_vms(self.driver)
        await self.driver.close()
        assert not list(self.folder.glob("vms/*"))
        shutil.rmtree(_DISKS, ignore_errors=True)


def start_libvirt() -> Plain:
    """The test machine's services, with libvirt running."""
    assert os.environ.get(ENVIRONMENT), "run this inside the test machine: python -m devkit.testmachine"
    services = Plain()
    services.start(["libvirt"])
    return services


def virsh(*arguments: str) -> str:
    """What virsh says."""
    command = ["virsh", "--quiet", "--connect", "qemu:///system", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def tiny_kernel() -> DirectKernel:
    """The tiny image's kernel, built (or taken from the builder's cache) once per test machine."""
    folder = Path("/var/lib/altus/tiny")
    if not (folder / "cmdline").exists():
        making = folder.with_suffix(".new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o711)
        await builder(BuiltinImage.TINY).build(making, lambda _share, _what: None)
        making.rename(folder)
    cmdline = (folder / "cmdline").read_text().strip()
    return DirectKernel(kernel=str(folder / "kernel"), initrd=str(folder / "initrd"), cmdline=cmdline)
