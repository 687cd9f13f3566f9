"""Networks and the ports by which VMs are plugged into them."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from altus.common.errors import InvalidInput, LimitExceeded
from altus.model.address_range import AddressRange, merged, nth_outside
from altus.model.resource import Resource

MAC_PREFIX = "52:54:00"
MIN_RATE, MAX_RATE = 64, 400_000_000
"""Of NICs, in kbit/s: below, not even DHCP and DNS work well; there is no faster Ethernet."""


class NetworkKind(StrEnum):
    """`nat` reaches the outside through its host; `isolated` has only its own members."""

    NAT = "nat"
    ISOLATED = "isolated"


class NetworkState(StrEnum):
    """A network takes ports only when ready."""

    CREATING = "creating"
    READY = "ready"
    DELETING = "deleting"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """What the network driver needs to know: addresses as text, `cidr` such as 10.20.0.0/24, `mtu` in bytes.

    `gateway` is the address of the network's own router; DHCP is answered from it.
    """

    id: str
    kind: NetworkKind
    cidr: str
    gateway: str
    dns: tuple[str, ...] = ()
    mtu: int = 1442


@dataclass(frozen=True, kw_only=True)
class Network(Resource):
    """A layer-2 network with DHCP. Addresses in `reserved` ranges are only given to NICs that ask for them."""

    kind: NetworkKind = NetworkKind.NAT
    state: NetworkState = NetworkState.CREATING
    cidr: str
    gateway: str
    dns: tuple[str, ...] = ()
    mtu: int = 1442
    reserved: tuple[str, ...] = ()

    @property
    def spec(self) -> NetworkSpec:
        """The driver's view of it."""
        return NetworkSpec(id=self.id, kind=self.kind, cidr=self.cidr, gateway=self.gateway, dns=self.dns, mtu=self.mtu)


@dataclass(frozen=True, kw_only=True)
class NicLimit:
    """How fast a NIC may be in one direction, as its VM sees it: `rate` in kbit/s, and `burst` in kbit beyond it; 0: as
    much as a second of the rate."""

    rate: int
    burst: int = 0

    def __str__(self) -> str:
        return f"{self.rate} kbit/s, {self.burst or self.rate} kbit at once"


@dataclass(frozen=True, kw_only=True)
class PortSpec:
    """A NIC's end on the network: only this MAC and this address may speak from it (row N4). It is a member of
    `security_groups`, by their ids; in none of them it is not filtered. What exceeds a limit is dropped."""

    id: str
    network_id: str
    mac: str
    address: str
    security_groups: tuple[str, ...] = ()
    limit_in: NicLimit | None = None
    limit_out: NicLimit | None = None

    @property
    def limits(self) -> str:
        """Its limits in words, to be compared with what an engine has; empty for none."""
        told = (("in", self.limit_in), ("out", self.limit_out))
        return "; ".join(f"{way} {limit}" for way, limit in told if limit is not None)


@dataclass(frozen=True, kw_only=True)
class NicAttachment:
    """How a hypervisor plugs a NIC on this host.

    `bridge` and `interface_id` name the Open vSwitch side; `checksum_offload` is false where the datapath runs in user
    space, since TCP dies there with partial checksums.
    """

    port_id: str
    bridge: str
    interface_id: str
    mtu: int
    checksum_offload: bool


def check_cidr(cidr: str) -> ipaddress.IPv4Network:
    """The parsed network of a usable IPv4 CIDR (prefix /8 … /29, no host bits set)."""
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise InvalidInput(f"{cidr[:64]!r} is not an IPv4 network: {error}.", code="network.cidr_invalid",
                           hint="Write it like 10.20.0.0/24.") from error  # fmt: skip
    if not 8 <= network.prefixlen <= 29 or network.is_multicast or network.is_loopback or network.is_link_local:
        raise InvalidInput(f"{cidr} cannot be used for VMs.", code="network.cidr_invalid",
                           hint="Use a unicast network between /8 and /29, such as 10.20.0.0/24.")  # fmt: skip
    return network


def nth_address(network: Network, number: int) -> str | None:
    """Number `number` (from 0) of the host addresses neither of the gateway nor reserved; None beyond the last."""
    place = nth_outside(number, *_room(network))
    return None if place is None else str(ipaddress.IPv4Address(place))


def free_address(network: Network, taken: Collection[str]) -> str:
    """The lowest host address of the network that is neither its gateway nor reserved or taken."""
    room, number = _room(network), 0
    while (place := nth_outside(number, *room)) is not None:
        if (address := str(ipaddress.IPv4Address(place))) not in taken:
            return address
        number += 1
    raise LimitExceeded(f"Network {network.name} has no free address left.", code="network.addresses_exhausted",
                        hint="Delete VMs which are not needed, or create a larger network.")  # fmt: skip


def require_host_address(network: Network, address: str) -> str:
    """An address of the network that a NIC may have, reserved or not, in canonical form; `InvalidInput`
    (`port.address_invalid`)."""
    cidr = ipaddress.IPv4Network(network.cidr)
    try:
        found = ipaddress.IPv4Address(address)
    except ValueError:
        found = cidr.network_address
    if found not in cidr or str(found) in (network.gateway, str(cidr.network_address), str(cidr.broadcast_address)):
        raise InvalidInput(f"{address[:64]!r} is no address for a NIC on network {network.name} ({cidr}).",
                           code="port.address_invalid", hint="Leave it out to get a free one.")  # fmt: skip
    return str(found)


def _room(network: Network) -> tuple[int, int, list[AddressRange]]:
    """The network's first and last host address, and what is kept in between: for the gateway, or reserved."""
    cidr = ipaddress.IPv4Network(network.cidr)
    kept = merged(AddressRange.parse(text, cidr) for text in (network.gateway, *network.reserved))
    return int(cidr.network_address) + 1, int(cidr.broadcast_address) - 1, kept


def mac_of(port_id: str) -> str:
    """The MAC of a port, drawn from the random tail of its id."""
    tail = port_id.replace("-", "")[-6:]
    return f"{MAC_PREFIX}:{tail[0:2]}:{tail[2:4]}:{tail[4:6]}"
