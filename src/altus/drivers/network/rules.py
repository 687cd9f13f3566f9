"""What every network driver refuses, and how: pure, so that the fake refuses the same."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from altus.common.errors import Conflict, InvalidInput, NotFound
from altus.model.network import NetworkKind, NetworkSpec, PortSpec, check_cidr
from altus.model.router import RouterSpec, require_apart
from altus.model.translation import TranslationSpec

_MAC = re.compile("[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.IGNORECASE)

MTU_MIN = 576
"""Every IPv4 host must take packets of this size (RFC 791)."""


def check_network(network: NetworkSpec, max_mtu: int) -> IPv4Network:
    """The parsed CIDR of a network that can be made; `InvalidInput` says what is wrong."""
    cidr = check_cidr(network.cidr)
    if _address(network.gateway) not in _hosts(cidr):
        raise InvalidInput(f"The gateway {network.gateway} is no host address of {cidr}.",
                           code="network.gateway_invalid", hint=f"Use {cidr[1]}.")  # fmt: skip
    if not MTU_MIN <= network.mtu <= max_mtu:
        raise InvalidInput(f"An MTU of {network.mtu} is not possible here.", code="network.mtu_invalid",
                           hint=f"Use a value from {MTU_MIN} to {max_mtu}.")  # fmt: skip
    for server in network.dns:
        if _address(server) is None:
            raise InvalidInput(f"{server[:64]!r} is no IPv4 address of a DNS server.", code="network.dns_invalid",
                               hint="Write addresses like 192.0.2.53.")  # fmt: skip
    return cidr


def check_overlap(network_id: str, cidr: IPv4Network, others: Mapping[str, IPv4Network]) -> None:
    """`Conflict` (`network.cidr_overlap`) if one of the host's other NAT networks has addresses in common."""
    for other_id, other in others.items():
        if other_id != network_id and other.overlaps(cidr):
            raise Conflict(f"{cidr} overlaps the NAT network {other_id} ({other}).", code="network.cidr_overlap",
                           hint="Choose other addresses, or an isolated network.", network=other_id)  # fmt: skip


def check_port(port: PortSpec, cidr: IPv4Network, gateway: str, others: Collection[tuple[str, str]]) -> None:
    """`others` are the MACs and addresses of the network's other ports."""
    address = _address(port.address)
    if address not in _hosts(cidr) or port.address == gateway:
        raise InvalidInput(f"{port.address} is no address for a VM in {cidr}.", code="port.address_invalid",
                           hint="Use a host address of the network that is not its gateway.")  # fmt: skip
    if not _MAC.fullmatch(port.mac) or int(port.mac[:2], 16) & 1:
        raise InvalidInput(f"{port.mac[:64]!r} is no MAC for a NIC.", code="port.mac_invalid",
                           hint="Write a unicast address like 52:54:00:12:34:56.")  # fmt: skip
    for mac, other in others:
        if other == port.address or mac.lower() == port.mac.lower():
            raise Conflict(f"Another port of the network has {port.address} or {port.mac}.", code="port.address_taken",
                           hint="Delete the other port first or use another address.")  # fmt: skip


def check_translation(translation: TranslationSpec, kind: NetworkKind, present: Collection[TranslationSpec]) -> None:
    """`present` are all that there are, this one before it is changed among them."""
    if kind is not NetworkKind.NAT:
        raise Conflict(f"Network {translation.network_id} has no way out.", code="translation.no_way_out",
                       hint="Use a NAT network.")  # fmt: skip
    for other in present:
        if other.id != translation.id and other.claim == translation.claim:
            raise Conflict(f"Another translation leads elsewhere: {other.words}.", code="translation.taken",
                           hint="Delete that one first.", translation=other.id)  # fmt: skip


def check_router(router: RouterSpec, cidrs: Mapping[str, str], present: Collection[RouterSpec]) -> None:
    """`cidrs` are those of all networks, `present` all routers, this one before it is changed among them."""
    for network_id in router.networks:
        if network_id not in cidrs:
            raise NotFound(f"There is no network {network_id}.", code="network.not_found", hint="Create it first.")
        for other in present:
            if other.id != router.id and network_id in other.networks:
                raise Conflict(f"Network {network_id} is on router {other.id}.", code="router.network_taken",
                               hint="Take it off that one first.", router=other.id)  # fmt: skip
    require_apart([(network_id, cidrs[network_id]) for network_id in router.networks])


def require_off_routers(network_id: str, routers: Collection[RouterSpec]) -> None:
    """`Conflict` (`network.in_use`) while the network is on a router."""
    for router in routers:
        if network_id in router.networks:
            raise Conflict(f"Network {network_id} is on router {router.id}.", code="network.in_use",
                           hint="Take it off the router first.", router=router.id)  # fmt: skip


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


class _Hosts:
    """The host addresses of a network: neither the network's own nor broadcast."""

    def __init__(self, cidr: IPv4Network) -> None:
        self._cidr = cidr

    def __contains__(self, address: IPv4Address | None) -> bool:
        return (
            address is not None
            and address in self._cidr
            and address not in (self._cidr.network_address, self._cidr.broadcast_address)
        )


def _hosts(cidr: IPv4Network) -> _Hosts:
    return _Hosts(cidr)
