"""A pool as an administrator has it without Altus: the same two libvirtds of a lab, which reach each other by TLS, and
guests alike to those of Altus."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from bench import raw
from devkit.lab import Lab, networks, places
from devkit.lab.networks import Net

_PKI = Path("/etc/libvirt/by-hand")
_DISKS = places.SHARED / "by-hand"
_SETTINGS = {
    "libvirtd.conf": {
        "listen_tls": "1",
        "ca_file": f'"{_PKI}/cacert.pem"',
        "cert_file": f'"{_PKI}/clientcert.pem"',
        "key_file": f'"{_PKI}/clientkey.pem"',
    },
    "qemu.conf": {"migrate_tls_x509_cert_dir": f'"{_PKI}"', "migrate_tls_x509_verify": "1"},
}
_NAMES = {
    "ca.pem": ("cacert.pem", "ca-cert.pem"),
    "{}.pem": ("clientcert.pem", "client-cert.pem", "server-cert.pem"),
    "{}.key": ("clientkey.pem", "client-key.pem", "server-key.pem"),
}
"""What libvirt and QEMU call the same files."""
_PAUSE = 1.0
"""Seconds between questions to a guest that boots: how long it takes is not measured here."""
_LISTEN = """
import dataclasses
from devkit.services.declared import SERVICES
from devkit.services.plain import Plain
Plain().kill("libvirtd")
Plain().run(dataclasses.replace(SERVICES["libvirtd"], command=(*SERVICES["libvirtd"].command, "--listen")))
"""


@dataclasses.dataclass(frozen=True)
class Moved:
    """How a guest moved: seconds in all, seconds in which it stood still, and what QEMU told of these."""

    seconds: float
    stood: float
    told: float


@dataclasses.dataclass(frozen=True)
class Copy:
    """A running guest by hand, on a host of the lab."""

    lab: Lab
    vm: raw.RawVm

    async def ready(self, host: str) -> Departure:
        """To move to the other host."""
        address, pipe = str(networks.address(host, Net.MANAGEMENT).ip), asyncio.subprocess.PIPE
        command = (*self.vm.place.host, sys.executable, "-m", "bench.attend", self.vm.name, address, str(_PKI))
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        there = dataclasses.replace(self.vm, place=_place(self.lab, host))
        departure = Departure(process, Copy(self.lab, there))
        await departure.line()
        return departure


@dataclasses.dataclass(frozen=True)
class Departure:
    """A guest that is about to move; `arrived` is what it is afterwards."""

    process: asyncio.subprocess.Process
    arrived: Copy

    async def go(self) -> Moved:
        """Move it."""
        writes = self.process.stdin
        assert writes is not None
        writes.write(b"\n")
        return Moved(**json.loads(await self.line()))

    async def line(self) -> str:
        """What is said next."""
        reads = self.process.stdout
        assert reads is not None
        if line := (await reads.readline()).decode():
            return line
        raise RuntimeError(f"{self.arrived.vm.name} has not moved: virsh ended with {await self.process.wait()}")


def open_up(lab: Lab, hosts: tuple[str, ...]) -> None:
    """Let the hosts' libvirtds and QEMUs speak with each other by TLS. Altus goes on using the same ones."""
    authority = lab.folder / "by-hand"
    authority.mkdir(mode=0o700)
    _certify(authority, "ca", "basicConstraints=critical,CA:TRUE")
    for host in hosts:
        machine = places.machine(host, lab.folder)
        folder, address = machine.own(_PKI), networks.address(host, Net.MANAGEMENT).ip
        ca = ("-CA", str(authority / "ca.pem"), "-CAkey", str(authority / "ca.key"))
        _certify(authority, host, f"subjectAltName=IP:{address}", "basicConstraints=critical,CA:FALSE", of=ca)
        folder.mkdir(mode=0o755)
        for file, names in _NAMES.items():
            for name in names:
                shutil.copyfile(authority / file.format(host), folder / name)  # which QEMU's user may read
        for setting, values in _SETTINGS.items():
            with machine.own(Path("/etc/libvirt", setting)).open("a") as written:
                written.writelines(f"\n{key} = {value}" for key, value in values.items())
        lab.run(host, sys.executable, "-c", _LISTEN)


def _certify(folder: Path, name: str, *extensions: str, of: Sequence[str] = ()) -> None:
    """A key and a certificate for it, with libvirt's demands: none of Altus' own, which say what they may not be used
    for."""
    key, certificate = (str(folder / f"{name}.{kind}") for kind in ("key", "pem"))
    added = [word for extension in extensions for word in ("-addext", extension)]
    command = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", *added)
    subprocess.run([*command, *of, "-keyout", key, "-out", certificate], check=True, capture_output=True)


async def alike(lab: Lab, vm_id: str, host: str, address: str) -> Copy:
    """A guest by hand, on the host of this VM of Altus', which has booted. Its disks are in the lab's shared folder."""
    place = _place(lab, host)
    await place.run("mkdir", "--parents", "--mode=0711", str(_DISKS))
    vm = await raw.alike(f"altus-{vm_id}", _DISKS, address, place)
    tree = ET.fromstring(vm.definition)  # noqa: S314 - our own
    seed, disk = tree.find("devices/disk[@device='cdrom']/source"), tree.find("devices/disk[@device='disk']/source")
    if seed is None or disk is None:
        raise RuntimeError(f"VM {vm_id} has no disk or no seed")
    seed_file = str(vm.disk.with_suffix(".iso"))
    await place.run("cp", seed.get("file", ""), seed_file)
    seed.set("file", seed_file)
    # whoever leaves would take the disk away from who has come
    ET.SubElement(disk, "seclabel", {"model": "dac", "relabel": "no"})
    vm = dataclasses.replace(vm, definition=ET.tostring(tree, encoding="unicode"))
    await vm.create()
    await place.run("chmod", "0666", str(vm.disk))
    await vm.start()
    await vm.wait_guest(_PAUSE)
    return Copy(lab, vm)


def _place(lab: Lab, host: str) -> raw.Place:
    return raw.Place(lab.command(host, ()), lab.command(places.MANAGER, ()))
