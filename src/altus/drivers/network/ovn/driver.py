"""The network driver on OVN. Intent lives in OVN's northbound database; the host's own part follows from it and is put
right again by itself when Open vSwitch was started anew."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import TypeVar

from altus.common.errors import AltusError
from altus.drivers.network.base import Datapath, NetworkCapabilities, NetworkTruth
from altus.drivers.network.ovn import limits, networks, ports, routers, security_groups, switch, trace, translations
from altus.drivers.network.ovn.database import Database
from altus.drivers.network.ovn.datapath import kernel_datapath
from altus.drivers.network.ovn.host import dropping_chains, underlay_mtu
from altus.drivers.network.ovn.names import BRIDGE, OvnSettings
from altus.drivers.network.ovn.process import run
from altus.drivers.network.ovn.rows import Row
from altus.drivers.network.ovn.way_out import WayOut
from altus.drivers.network.rules import check_network
from altus.model.network import NetworkKind, NetworkSpec, NicAttachment, PortSpec
from altus.model.network_trace import PacketSpec, TraceFacts
from altus.model.router import RouterSpec
from altus.model.security_group import SecurityGroupSpec
from altus.model.translation import TranslationSpec

T = TypeVar("T")

_log = logging.getLogger(__name__)
_TUNNEL_OVERHEAD = 58
"""Bytes that Geneve with OVN's option adds to a packet over IPv4."""
_RETRY_SECONDS = (0.2, 5.0)
_NORTHBOUND = networks.TABLES | security_groups.TABLES | limits.TABLES


class OvnNetworks:
    """OVN's networks from one host. `start` keeps the host's part right in the background; without it, only calls do.

    `has_kernel_datapath` asks whether the kernel can forward for Open vSwitch.
    """

    def __init__(self, settings: OvnSettings | None = None, *,
                 has_kernel_datapath: Callable[[], bool] = kernel_datapath) -> None:  # fmt: skip
        self._settings = settings or OvnSettings()
        timeout = self._settings.timeout
        self._north = Database(self._settings.northbound, "OVN_Northbound", _NORTHBOUND, timeout=timeout,
                               tls=self._settings.tls, listener=self._heard)  # fmt: skip
        self._local = Database(self._settings.local, "Open_vSwitch", switch.TABLES, timeout=timeout,
                               listener=self._heard)  # fmt: skip
        self._way_out = WayOut(self._settings, self._north, self._local, has_kernel_datapath, self._heard)
        self._writing = asyncio.Lock()
        self._stale = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to keep this host right, at once and whenever Open vSwitch makes the uplink anew; needs a running
        event loop. Where OVN does not answer yet, it is tried until it does."""
        if self._keeper is None:
            self._loop = asyncio.get_running_loop()
            self._stale.set()
            self._keeper = self._loop.create_task(self._keep(), name="altus-network-keeper")

    async def ensure_host(self) -> None:
        """Make this host a chassis of OVN, a way out for the NAT networks there are, and its IP stack fit them."""
        async with self._writing:
            chassis = await self._way_out.chassis()
            await self._way_out.join(chassis.name)
            await self._way_out.apply(chassis)

    async def capabilities(self) -> NetworkCapabilities:
        """See NetworkDriver. Its reason also tells of firewalls that hinder us."""
        chassis = await self._way_out.chassis()
        userspace = await self._way_out.in_userspace()
        reasons = ["The kernel has no Open vSwitch datapath, so packets are forwarded in user space, which is slower."
                   if userspace else "The kernel has Open vSwitch's datapath."]  # fmt: skip
        reasons += [f"The firewall chain {chain} drops forwarded packets: NAT networks need a rule there that accepts "
                    f"{self._settings.uplink}." for chain in await dropping_chains()]  # fmt: skip
        return NetworkCapabilities(
            datapath=Datapath.USERSPACE if userspace else Datapath.KERNEL,
            reason=" ".join(reasons),
            max_mtu=await underlay_mtu(chassis.encap_address) - _TUNNEL_OVERHEAD,
            versions={"ovs": await _version("ovs-vswitchd"), "ovn": await _version("ovn-controller")},
        )

    async def ensure_network(self, network: NetworkSpec) -> None:
        """See NetworkDriver."""
        async with self._writing:
            chassis = await self._way_out.chassis()
            max_mtu = await underlay_mtu(chassis.encap_address) - _TUNNEL_OVERHEAD
            cidr = check_network(network, max_mtu)
            dns: tuple[str, ...] | None = network.dns
            if network.kind is NetworkKind.NAT:
                await self._way_out.check_free(cidr)
                new = not await self._north.run(lambda rows: networks.ways_out(rows, network.id))
                dns = dns or (await asyncio.to_thread(host_resolvers) if new or self._settings.sole else None)
            await self._north.run(
                lambda rows: networks.ensure_network(rows, network, dns, self._settings, chassis.name)
            )
            await self._way_out.apply(chassis)

    async def delete_network(self, network_id: str) -> None:
        """See NetworkDriver."""
        async with self._writing:
            await self._north.run(lambda rows: networks.delete_network(rows, network_id))
            await self._way_out.apply(await self._way_out.chassis())

    async def ensure_port(self, port: PortSpec) -> None:
        """See NetworkDriver."""
        await self._north.run(lambda rows: ports.ensure_port(rows, port))

    async def delete_port(self, port_id: str) -> None:
        """See NetworkDriver."""
        translated = await self._north.run(lambda rows: ports.delete_port(rows, port_id))
        if translated:
            async with self._writing:
                await self._way_out.apply(await self._way_out.chassis())

    async def ensure_security_group(self, group: SecurityGroupSpec) -> None:
        """See NetworkDriver."""
        await self._north.run(lambda rows: security_groups.ensure_group(rows, group))

    async def delete_security_group(self, group_id: str) -> None:
        """See NetworkDriver."""
        await self._north.run(lambda rows: security_groups.delete_group(rows, group_id))

    async def ensure_router(self, router: RouterSpec) -> None:
        """See NetworkDriver."""
        await self._north.run(lambda rows: routers.ensure_router(rows, router))

    async def delete_router(self, router_id: str) -> None:
        """See NetworkDriver."""
        await self._north.run(lambda rows: routers.delete_router(rows, router_id))

    async def ensure_translation(self, translation: TranslationSpec) -> None:
        """See NetworkDriver. Other hosts by which the network may go out hear of it from the database."""
        async with self._writing:
            await self._way_out.check_own(translation)
            await self._north.run(lambda rows: translations.ensure_translation(rows, translation))
            await self._way_out.apply(await self._way_out.chassis())

    async def delete_translation(self, translation_id: str) -> None:
        """See NetworkDriver."""
        async with self._writing:
            await self._north.run(lambda rows: translations.delete_translation(rows, translation_id))
            await self._way_out.apply(await self._way_out.chassis())

    async def place(self) -> str:
        """See NetworkDriver: the name of this chassis."""
        return (await self._way_out.chassis()).name

    async def bind_port(self, port_id: str, place: str) -> None:
        """See NetworkDriver."""
        await self._north.run(lambda rows: ports.bind_port(rows, port_id, place))

    async def attachment(self, port_id: str) -> NicAttachment:
        """See NetworkDriver."""
        mtu = await self._north.run(lambda rows: ports.port_mtu(rows, port_id))
        return NicAttachment(port_id=port_id, bridge=BRIDGE, interface_id=port_id, mtu=mtu,
                             checksum_offload=not await self._way_out.in_userspace())  # fmt: skip

    async def port_up(self, port_id: str) -> bool:
        """See NetworkDriver."""
        return await self._north.run(lambda rows: ports.port_up(rows, port_id))

    async def trace(self, packet: PacketSpec) -> TraceFacts:
        """See NetworkDriver."""
        await self._north.run(lambda rows: ports.require_known(rows, packet.network_id, packet.port_id,
                                                               packet.to_port_id))  # fmt: skip
        tls = self._settings.tls
        certificates = () if tls is None else (f"--private-key={tls.key}", f"--certificate={tls.certificate}",
                                               f"--ca-cert={tls.ca}")  # fmt: skip
        southbound = self._settings.southbound or switch.SOUTHBOUND
        text = await run(*trace.command(packet, southbound, certificates))
        return await self._north.run(lambda rows: trace.facts(rows, packet, text))

    async def truth(self) -> NetworkTruth:
        """See NetworkDriver. Where it finds that this host's part is not right, that is put right."""
        truth = await self._north.run(ports.truth)
        broken = await self._way_out.broken() if truth.translations else []
        if not broken:
            return truth
        self._stale.set()
        return replace(truth, translations=truth.translations | dict.fromkeys(broken, ""))

    async def sign(self) -> str:
        """See NetworkDriver: how often the copy of OVN's northbound database was brought up to date."""
        return str(self._north.changes)

    async def close(self) -> None:
        """See NetworkDriver."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        await asyncio.gather(self._north.close(), self._local.close(), self._way_out.close())

    async def _keep(self) -> None:
        shortest, longest = _RETRY_SECONDS
        pause = shortest
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                await self.ensure_host()
                pause = shortest
            except Exception as error:
                # whatever it was, giving up would leave the VMs without a way out
                unexpected = not isinstance(error, AltusError)
                _log.warning("the host's networks are not right yet, trying again in %.1f s: %s", pause, error,
                             exc_info=unexpected)  # fmt: skip
                self._stale.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, longest)

    def _heard(self, table: str, row: Row, changed: frozenset[str]) -> None:
        """From the connections' threads. A device that was made anew has another index, and no addresses or routes;
        translations, and the host by which a network goes out, change what this one has to do."""
        translated = table in (translations.TABLE, "Port_Binding")
        uplink = table == "Interface" and row.name == self._settings.uplink and changed & {"ifindex", "delete"}
        bridge = table == "Bridge" and row.name == BRIDGE and "delete" in changed
        if self._loop is not None and (uplink or bridge or translated):
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody is left to keep anything
                self._loop.call_soon_threadsafe(self._stale.set)


def host_resolvers(path: Path = Path("/etc/resolv.conf")) -> tuple[str, ...]:
    """The host's IPv4 name servers which a VM could reach too: those on loopback are the host's own."""
    found: Sequence[str] = path.read_text().splitlines() if path.exists() else ()
    words = [line.split() for line in found]
    servers = [_address(word[1]) for word in words if len(word) > 1 and word[0] == "nameserver"]
    return tuple(str(server) for server in servers if server is not None and not server.is_loopback)


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


async def _version(program: str) -> str:
    """The last word of the first line of `program --version`."""
    return (await run(program, "--version")).splitlines()[0].split()[-1]
