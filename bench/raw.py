"""The same by hand: qemu-img, virsh and ovn-nbctl, as an administrator would."""

from __future__ import annotations

import asyncio
import json
import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path


async def run(*command: str) -> str:
    """Output of a command that must succeed."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE,
                                                   stderr=asyncio.subprocess.PIPE)  # fmt: skip
    out, complaint = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {complaint.decode()}")
    return out.decode()


async def virsh(*command: str) -> str:
    """virsh on this machine."""
    return await run("virsh", "--quiet", "--connect", "qemu:///system", *command)


@dataclass(frozen=True)
class RawVm:
    """A VM made by hand, alike to one of Altus': same machine, disk of the same base, port on the same switch."""

    name: str
    definition: Path
    disk: Path
    base: Path
    port: str
    switch: str
    addresses: str
    dhcp: str

    async def create(self) -> None:
        """Disk, port, definition."""
        await run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(self.base), str(self.disk))
        await run("ovn-nbctl", "lsp-add", self.switch, self.port, "--", "lsp-set-addresses", self.port, self.addresses,
                  "--", "lsp-set-port-security", self.port, self.addresses, "--", "lsp-set-dhcpv4-options", self.port,
                  self.dhcp)  # fmt: skip
        await virsh("define", str(self.definition))

    async def start(self) -> None:
        """Power on."""
        await virsh("start", self.name)

    async def wait_guest(self) -> None:
        """Until the guest agent answers."""
        while True:
            try:
                await virsh("qemu-agent-command", "--timeout", "1", self.name, '{"execute":"guest-ping"}')
            except RuntimeError:
                await asyncio.sleep(0.02)
            else:
                return

    async def stop(self) -> None:
        """Ask the guest, and wait until it is off."""
        await virsh("shutdown", self.name)
        while (await virsh("domstate", self.name)).strip() != "shut off":
            await asyncio.sleep(0.02)

    async def delete(self) -> None:
        """Power, definition, port, disk."""
        await virsh("destroy", self.name)
        await virsh("undefine", "--managed-save", self.name)
        await run("ovn-nbctl", "lsp-del", self.port)
        await asyncio.to_thread(self.disk.unlink)


async def alike(domain: str, folder: Path, address: str) -> RawVm:
    """What to make by hand to get a VM like this one of Altus'."""
    name, port = f"raw-{uuid.uuid4().hex[:8]}", str(uuid.uuid4())
    tree = ET.fromstring(await virsh("dumpxml", "--inactive", domain))  # noqa: S314 - our own libvirt's
    disk = folder / f"{name}.qcow2"
    source = tree.find("devices/disk[@device='disk']/source")
    parameters = tree.find("devices/interface/virtualport/parameters")
    if source is None or parameters is None:
        raise RuntimeError(f"{domain} has no disk or no NIC")
    ours, their_port = source.get("file", ""), parameters.get("interfaceid", "")
    base = Path(ours).parent / (await _backing(ours))
    mac = _rewrite(tree, name, str(disk), port)
    definition = folder / f"{name}.xml"
    definition.write_text(ET.tostring(tree, encoding="unicode"))
    switch = (await run("ovn-nbctl", "lsp-get-ls", their_port)).split()[-1].strip("()")
    dhcp = (await run("ovn-nbctl", "--bare", "--columns=dhcpv4_options", "find", "Logical_Switch_Port",
                      f"name={their_port}")).strip()  # fmt: skip
    return RawVm(name, definition, disk, base, port, switch, f"{mac} {address}", dhcp)


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


async def _backing(path: str) -> str:
    info: dict[str, str] = json.loads(await run("qemu-img", "info", "-U", "--output=json", path))
    return info["full-backing-filename"]
