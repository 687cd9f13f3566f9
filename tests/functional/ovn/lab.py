"""Guests without VMs: network namespaces, plugged into Open vSwitch as libvirt plugs a NIC."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import TypeVar

from altus.common.ids import new_id
from altus.drivers.network.ovn.driver import OvnNetworks
from altus.model.network import NetworkKind, NetworkSpec, PortSpec, mac_of
from altus.model.router import RouterSpec
from altus.model.security_group import SecurityGroupSpec, SecurityRule

T = TypeVar("T")

OUTSIDE = IPv4Interface("198.51.100.1/24")
"""Somebody on the network this host is on, who knows nothing of the networks of VMs."""
WAN = IPv4Interface("198.51.100.2/24")
"""This host's address there."""

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


async def sh(*command: str, check: bool = True) -> tuple[int, str]:
    """Status and output, both streams, of a command."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output = (await process.communicate())[0].decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    if check and process.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {output}")
    return process.returncode, output


async def until(condition: Callable[[], Awaitable[T]], what: str, seconds: float = 20.0) -> T:
    """Ask until the answer is true; that answer."""
    last: T | None = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                if last := await condition():
                    return last
                await asyncio.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}; last answer: {last!r}")


@dataclass
class Namespace:
    """A network namespace with a device `eth0` that is connected to somewhere."""

    name: str
    device: str

    async def run(self, *command: str, check: bool = True) -> tuple[int, str]:
        """Run a command inside."""
        return await sh("ip", "netns", "exec", self.name, *command, check=check)

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """A socket of this namespace, usable from everywhere: only the thread that makes it goes there."""
        made: list[socket.socket] = []

        def make() -> None:
            with Path(f"/run/netns/{self.name}").open() as file:
                if _libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            made.append(socket.socket(family, kind, protocol))

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        made[0].setblocking(False)
        return made[0]

    async def pings(self, address: str, *, source: str = "", count: int = 1, wait: int = 1) -> bool:
        """Whether an answer comes to one of `count` pings, waiting `wait` seconds for each."""
        options = ("-I", source) if source else ()
        command = ("ping", "-n", "-c", str(count), "-i", "0.2", "-W", str(wait), *options, address)
        return (await self.run(*command, check=False))[0] == 0

    async def reaches(self, address: str, seconds: float = 20.0) -> None:
        """Ping until an answer comes."""
        await until(lambda: self.pings(address), f"{self.name} reaches {address}", seconds)

    async def destroy(self) -> None:
        """Remove it with its device."""
        await sh("ip", "link", "delete", self.device, check=False)
        await sh("ip", "netns", "delete", self.name, check=False)


@dataclass
class Guest(Namespace):
    """A namespace in the place of a VM."""

    port: PortSpec
    network: NetworkSpec

    async def destroy(self) -> None:
        """Pull it out and remove it."""
        await sh("ovs-vsctl", "--if-exists", "del-port", "br-int", self.device)
        await super().destroy()


async def connect(name: str, device: str, mtu: int, mac: str = "") -> None:
    """Make the namespace and a veth pair from `device` here to `eth0` there, without checksum offload: the packets of
    user-space datapaths must be whole."""
    await sh("ip", "netns", "add", name)
    await sh("ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", name)
    inside = ("ip", "netns", "exec", name)
    await sh(*inside, "ip", "link", "set", "eth0", *(("address", mac) if mac else ()), "mtu", str(mtu), "up")
    await sh(*inside, "ip", "link", "set", "lo", "up")
    await sh(*inside, "ethtool", "-K", "eth0", "tx", "off")
    await sh("ip", "link", "set", device, "mtu", str(mtu), "up")


@dataclass
class Lab:
    """Networks and guests of one test."""

    driver: OvnNetworks
    guests: list[Guest] = field(default_factory=list)
    networks: list[NetworkSpec] = field(default_factory=list)
    others: list[Namespace] = field(default_factory=list)
    groups: list[SecurityGroupSpec] = field(default_factory=list)
    routers: list[RouterSpec] = field(default_factory=list)

    async def network(self, cidr: str, kind: NetworkKind = NetworkKind.NAT, dns: tuple[str, ...] = ()) -> NetworkSpec:
        """A network whose gateway is the first address."""
        made = NetworkSpec(id=new_id(), kind=kind, cidr=cidr, gateway=str(IPv4Network(cidr)[1]), dns=dns)
        await self.driver.ensure_network(made)
        self.networks.append(made)
        return made

    async def group(self, *rules: SecurityRule) -> SecurityGroupSpec:
        """A security group with these rules."""
        made = SecurityGroupSpec(id=new_id(), rules=rules)
        await self.driver.ensure_security_group(made)
        self.groups.append(made)
        return made

    async def guest(self, network: NetworkSpec, number: int, *groups: SecurityGroupSpec,
                    configured: bool = True) -> Guest:  # fmt: skip
        """A guest with the address of this number in the network, a member of the groups; `configured` False leaves its
        address to DHCP."""
        cidr = IPv4Network(network.cidr)
        port_id = new_id()
        port = PortSpec(id=port_id, network_id=network.id, mac=mac_of(port_id), address=str(cidr[number]),
                        security_groups=tuple(group.id for group in groups))  # fmt: skip
        await self.driver.ensure_port(port)
        guest = Guest(f"g{port_id[-6:]}", f"v{port_id[-6:]}", port, network)
        self.guests.append(guest)
        attachment = await self.driver.attachment(port_id)
        await connect(guest.name, guest.device, attachment.mtu, port.mac)
        await sh("ovs-vsctl", "add-port", attachment.bridge, guest.device, "--", "set", "Interface", guest.device,
                 f"external_ids:iface-id={attachment.interface_id}")  # fmt: skip
        await until(lambda: self.driver.port_up(port_id), f"port {port_id} is up")
        if configured:
            await guest.run("ip", "address", "add", f"{port.address}/{cidr.prefixlen}", "dev", "eth0")
            await guest.run("ip", "route", "add", "default", "via", network.gateway)
        return guest

    async def router(self, *networks: NetworkSpec) -> RouterSpec:
        """A router between these networks."""
        made = RouterSpec(id=new_id(), networks=tuple(network.id for network in networks))
        await self.driver.ensure_router(made)
        self.routers.append(made)
        return made

    async def outside(self) -> Namespace:
        """Somebody on this host's own network."""
        made = Namespace("outside", "wan0")
        self.others.append(made)
        await connect(made.name, made.device, 1500)
        await sh("ip", "address", "add", str(WAN), "dev", made.device)
        await made.run("ip", "address", "add", str(OUTSIDE), "dev", "eth0")
        return made

    async def clear(self) -> None:
        """Remove everything."""
        for namespace in (*self.guests, *self.others):
            await namespace.destroy()
        for guest in self.guests:
            await self.driver.delete_port(guest.port.id)
        for router in self.routers:
            await self.driver.delete_router(router.id)
        for network in self.networks:
            await self.driver.delete_network(network.id)
        for group in self.groups:  # some name others
            await self.driver.ensure_security_group(SecurityGroupSpec(id=group.id))
        for group in self.groups:
            await self.driver.delete_security_group(group.id)
