"""This host's IP stack: what lets NAT networks out and the host in, and leads outside addresses to NICs. All of it
follows from the networks and translations there are.

Inside OVN nothing is translated: the host has a route to each network and masquerades once, in nftables, so that it
reaches the VMs from any of its addresses and sees theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from altus.common.errors import Conflict, Failed, Unavailable
from altus.drivers.network.ovn.announce import announce
from altus.drivers.network.ovn.names import NatNetwork, OvnSettings
from altus.drivers.network.ovn.process import run
from altus.drivers.network.ovn.ruleset import TABLE, ruleset
from altus.model.translation import TranslationSpec

ROUTE_PROTOCOL = "164"
"""Marks our routes (`ip route show proto 164`); unassigned in /etc/iproute2/rt_protos."""

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_DEVICE_SECONDS = 5.0
_ONE_ADDRESS = 32
"""The length of the prefix of a network of one."""


class HostStack:
    """Addresses, routes, forwarding and address translation on this host."""

    def __init__(self, settings: OvnSettings) -> None:
        self._settings = settings
        self._listed: str | None = None

    async def check_own(self, address: str) -> None:
        """Refuses (`translation.own_address`) an address that this host itself has elsewhere: nobody would reach the
        host by it any more."""
        for link in await _json("ip", "-j", "-4", "address", "show", "to", f"{address}/32"):
            if link and link["ifname"] != self._settings.uplink:
                raise Conflict(f"{address} is this host's own address on {link['ifname']}.",
                               code="translation.own_address",
                               hint="Leave it out of the pool's outside addresses.")  # fmt: skip

    async def check_free(self, cidr: IPv4Network) -> None:
        """Refuses (`network.cidr_overlap`) addresses that the host itself reaches elsewhere: its own LAN must stay."""
        for route in await _json("ip", "-j", "-N", "-4", "route", "show"):
            ours = route.get("protocol") == ROUTE_PROTOCOL
            if ours or route["dst"] == "default":
                continue
            if IPv4Network(route["dst"], strict=False).overlaps(cidr):
                raise Conflict(f"{cidr} overlaps {route['dst']}, which this host reaches by {route.get('dev')}.",
                               code="network.cidr_overlap", hint="Choose other addresses.")  # fmt: skip

    async def apply(self, networks: Sequence[NatNetwork], translations: Sequence[TranslationSpec] = (),
                    held: Collection[str] = ()) -> None:  # fmt: skip
        """Make the host so for exactly these networks and their translations; it answers for the outside addresses
        `held`."""
        if networks:
            await self._uplink()
            await asyncio.to_thread(_forward)
        await self._routes(networks)
        await run("nft", "-f", "-", text=ruleset(networks, self._settings.uplink, translations))
        if networks:
            await self._hold(held)
        self._listed = await self._list() if translations else None

    async def intact(self, held: Collection[str]) -> bool:
        """Whether the rules are as they were made last, and the addresses `held` are there. For a host with
        translations."""
        with contextlib.suppress(Failed):
            (link,) = await _json("ip", "-j", "-4", "address", "show", self._settings.uplink)
            there = self._listed is not None and self._listed == await self._list()
            return there and set(held) <= _alone(link)
        return False

    async def _list(self) -> str:
        return await run("nft", "list", "table", "ip", TABLE)

    async def _uplink(self) -> None:
        device, address = self._settings.uplink, self._settings.transit
        link = await self._appeared()
        if (str(address.ip), address.network.prefixlen) not in _addresses(link):
            await run("ip", "address", "replace", str(address), "dev", device)
        if "UP" not in link["flags"]:
            await run("ip", "link", "set", device, "up")

    async def _hold(self, wanted: Collection[str]) -> None:
        """The kernel answers ARP for addresses of any device by all of them, so they are on our own one, and go with
        it."""
        device = self._settings.uplink
        found = _alone(await self._appeared())
        for address in sorted(found - set(wanted)):
            await run("ip", "address", "delete", f"{address}/32", "dev", device)
        for address in sorted(set(wanted) - found):
            outside = await _way_to(IPv4Address(address))
            await run("ip", "address", "replace", f"{address}/32", "dev", device)
            if outside:
                await asyncio.to_thread(announce, outside, address)

    async def _appeared(self) -> dict[str, Any]:
        """The device, made by ovs-vswitchd shortly after its row in the database."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DEVICE_SECONDS):
                while True:
                    with contextlib.suppress(Failed):
                        link: dict[str, Any] = (await _json("ip", "-j", "address", "show", self._settings.uplink))[0]
                        return link
                    await asyncio.sleep(0.05)
        raise Unavailable(f"Open vSwitch did not make the device {self._settings.uplink}.", code="network.unavailable",
                          hint="Check that ovs-vswitchd runs.")  # fmt: skip

    async def _routes(self, networks: Sequence[NatNetwork]) -> None:
        wanted = {str(network.cidr): (str(network.router), network.mtu) for network in networks}
        found = await _json("ip", "-j", "-N", "-4", "route", "show", "proto", ROUTE_PROTOCOL)
        current = {route["dst"]: (route.get("gateway"), _mtu(route)) for route in found}
        for cidr in current.keys() - wanted.keys():
            await run("ip", "route", "delete", cidr, "proto", ROUTE_PROTOCOL)
        for cidr, (router, mtu) in wanted.items():
            if current.get(cidr) != (router, mtu):
                await run("ip", "route", "replace", cidr, "via", router, "dev", self._settings.uplink,
                          "proto", ROUTE_PROTOCOL, "mtu", str(mtu))  # fmt: skip


def _forward() -> None:
    try:
        _FORWARDING.write_text("1\n")
    except OSError as error:
        raise Failed(f"This host cannot be told to forward packets: {error}.", code="network.forwarding_off",
                     hint="Set net.ipv4.ip_forward=1 by sysctl.") from error  # fmt: skip


async def dropping_chains() -> list[str]:
    """Chains of other people's tables that drop what is forwarded unless they know it, such as Docker's: rules of ours
    cannot overrule them."""
    listed = json.loads(await run("nft", "-j", "list", "chains"))["nftables"]
    chains = [item["chain"] for item in listed if "chain" in item]
    drops = [chain for chain in chains if chain.get("hook") == "forward" and chain.get("policy") == "drop"]
    return [f"{chain['family']} {chain['table']} {chain['name']}" for chain in drops if chain["table"] != TABLE]


async def underlay_mtu(address: str) -> int:
    """The MTU, in bytes, of the device with this address; that of Ethernet if it is loopback or nowhere."""
    for link in await _json("ip", "-j", "address", "show", "to", address):
        if link and "LOOPBACK" not in link.get("flags", ()):
            return int(link["mtu"])
    return 1500


async def _json(*command: str) -> list[dict[str, Any]]:
    parsed: list[dict[str, Any]] = json.loads(await run(*command) or "[]")
    return parsed


def _addresses(link: dict[str, Any]) -> set[tuple[str, int]]:
    return {(info["local"], info["prefixlen"]) for info in link.get("addr_info", ())}


def _alone(link: dict[str, Any]) -> set[str]:
    """Addresses without a network."""
    return {address for address, length in _addresses(link) if length == _ONE_ADDRESS}


async def _way_to(address: IPv4Address) -> str:
    """The device by which those are reached who are near an address of the outside, if they are on its network."""
    near: dict[int, str] = {}
    for route in await _json("ip", "-j", "-4", "route", "show"):
        if route["dst"] != "default" and "gateway" not in route:
            network = IPv4Network(route["dst"], strict=False)
            if address in network:
                near[network.prefixlen] = str(route.get("dev", ""))
    return near[max(near)] if near else ""


def _mtu(route: dict[str, Any]) -> int:
    return int(next((metric["mtu"] for metric in route.get("metrics", ()) if "mtu" in metric), 0))
