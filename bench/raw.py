"""The same by hand: qemu-img, virsh and ovn-nbctl, as an administrator would."""

from __future__ import annotations

import asyncio
import json
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


async def run(*command: str, text: str = "") -> str:
    """Output of a command that must succeed and reads `text`."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    out, complaint = await process.communicate(text.encode())
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {complaint.decode()}")
    return out.decode()


@dataclass(frozen=True)
class Place:
    """Machines: what precedes a command that runs on the host, and one that reaches OVN's databases."""

    host: Sequence[str] = ()
    central: Sequence[str] = ()

    async def run(self, *command: str, text: str = "") -> str:
        """See `run`; on the host."""
        return await run(*self.host, *command, text=text)

    async def virsh(self, *command: str, text: str = "") -> str:
        """virsh on the host."""
        return await self.run("virsh", "--quiet", "--connect", "qemu:///system", *command, text=text)

    async def nbctl(self, *command: str) -> str:
        """OVN's northbound database."""
        return await run(*self.central, "ovn-nbctl", *command)


HERE = Place()
"""This machine."""


@dataclass(frozen=True)
class RawVm:
    """A VM made by hand, alike to one of Altus': same machine, disk of the same base, port on the same switch."""

    name: str
    definition: str
    disk: Path
    base: Path
    port: str
    switch: str
    addresses: str
    dhcp: str
    place: Place = HERE

    async def create(self) -> None:
        """Disk, port, definition."""
        layers = ("-f", "qcow2", "-F", "qcow2", "-b", str(self.base))
        await self.place.run("qemu-img", "create", "-q", *layers, str(self.disk))
        await self.place.nbctl("lsp-add", self.switch, self.port, "--", "lsp-set-addresses", self.port, self.addresses,
                               "--", "lsp-set-port-security", self.port, self.addresses,
                               "--", "lsp-set-dhcpv4-options", self.port, self.dhcp)  # fmt: skip
        await self.place.virsh("define", "/dev/stdin", text=self.definition)

    async def start(self) -> None:
        """Power on."""
        await self.place.virsh("start", self.name)

    async def wait_guest(self, pause: float = 0.02) -> None:
        """Until the guest agent answers; asked again after so many seconds."""
        while True:
            try:
                await self.place.virsh("qemu-agent-command", "--timeout", "1", self.name, '{"execute":"guest-ping"}')
            except RuntimeError:
                await asyncio.sleep(pause)
            else:
                return

    async def stop(self) -> None:
        """Ask the guest, and wait until it is off."""
        await self.place.virsh("shutdown", self.name)
        while (await self.place.virsh("domstate", self.name)).strip() != "shut off":
            await asyncio.sleep(0.02)

    async def delete(self) -> None:
        """Power, definition, port, disk."""
        await self.place.virsh("destroy", self.name)
        await self.place.virsh("undefine", "--managed-save", self.name)
        await self.place.nbctl("lsp-del", self.port)
        await self.place.run("rm", str(self.disk))


async def alike(domain: str, folder: Path, address: str, place: Place = HERE) -> RawVm:
    """What to make by hand to get a VM like this one of Altus', with its disk in `folder`."""
    name, port = f"raw-{uuid.uuid4().hex[:8]}", str(uuid.uuid4())
    tree = ET.fromstring(await place.virsh("dumpxml", "--inactive", domain))  # noqa: S314 - our own libvirt's
    disk = folder / f"{name}.qcow2"
    source = tree.find("devices/disk[@device='disk']/source")
    parameters = tree.find("devices/interface/virtualport/parameters")
    if source is None or parameters is None:
        raise RuntimeError(f"{domain} has no disk or no NIC")
    ours, their_port = source.get("file", ""), parameters.get("interfaceid", "")
    base = Path(ours).parent / (await _backing(ours, place))
    mac = _rewrite(tree, name, str(disk), port)
    definition = ET.tostring(tree, encoding="unicode")
    switch = (await place.nbctl("lsp-get-ls", their_port)).split()[-1].strip("()")
    dhcp = (await place.nbctl("--bare", "--columns=dhcpv4_options", "find", "Logical_Switch_Port",
                              f"name={their_port}")).strip()  # fmt: skip
    return RawVm(name, definition, disk, base, port, switch, f"{mac} {address}", dhcp, place)


def _rewrite(tree: ET.Element, name: str, disk: str, port: str) -> str:
    """Another identity in the same machine; returns its MAC."""
    mac = f"52:54:00:{port[0:2]}:{port[2:4]}:{port[4:6]}"
    for path, text in (("name", name), ("uuid", str(uuid.uuid4()))):
        element = tree.find(path)
        if element is not None:
            element.text = text
    places = (
        ("devices/disk[@device='disk']/source", "file", disk),
        ("devices/interface/mac", "address", mac),
        ("devices/interface/virtualport/parameters", "interfaceid", port),
        ("devices/interface/target", "dev", f"rv{port[:8]}"),
    )
    for path, key, value in places:
        element = tree.find(path)
        if element is not None:
            element.set(key, value)
    for parent, path in ((tree, "metadata"), (tree, "title")):
        if (element := parent.find(path)) is not None:
            parent.remove(element)
    for graphics in tree.findall("devices/graphics"):
        for child in graphics.findall("listen"):
            child.attrib.pop("socket", None)
        graphics.attrib.pop("socket", None)
    return mac


async def _backing(path: str, place: Place) -> str:
    info: dict[str, str] = json.loads(await place.run("qemu-img", "info", "-U", "--output=json", path))
    return info["full-backing-filename"]
