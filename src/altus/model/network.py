"""Networks and the ports by which VMs are plugged into them."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from altus.common.errors import InvalidInput, LimitExceeded
from altus.model.resource import Resource

MAC_PREFIX = "52:54:00"


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
    """A layer-2 network with DHCP."""

    kind: NetworkKind = NetworkKind.NAT
    state: NetworkState = NetworkState.CREATING
    cidr: str
    gateway: str
    dns: tuple[str, ...] = ()
    mtu: int = 1442

    @property
    def spec(self) -> NetworkSpec:
        """The driver's view of it."""
        return NetworkSpec(id=self.id, kind=self.kind, cidr=self.cidr, gateway=self.gateway, dns=self.dns, mtu=self.mtu)


@dataclass(frozen=True, kw_only=True)
class PortSpec:
    """A NIC's end on the network: only this MAC and this address may speak from it (row N4). It is a member of
    `security_groups`, by their ids; in none of them it is not filtered."""

    id: str
    network_id: str
    mac: str
    address: str
    security_groups: tuple[str, ...] = ()


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
    """Number `number` (from 0) of the host addresses which are not the gateway; None beyond the last."""
    cidr = ipaddress.IPv4Network(network.cidr)
    gateway = int(ipaddress.IPv4Address(network.gateway)) - int(cidr.network_address)
    place = number + 1 + (number + 1 >= gateway)
    return str(cidr[place]) if place < cidr.num_addresses - 1 else None


def free_address(network: Network, taken: Collection[str]) -> str:
    """The lowest host address of the network that is neither its gateway nor taken."""
    for host in ipaddress.IPv4Network(network.cidr).hosts():
        address = str(host)
        if address != network.gateway and address not in taken:
            return address
    raise LimitExceeded(f"Network {network.name} has no free address left.", code="network.addresses_exhausted",
                        hint="Delete VMs which are not needed or create a larger network.")  # fmt: skip


def mac_of(port_id: str) -> str:
    """The MAC of a port, drawn from the random tail of its id."""
    tail = port_id.replace("-", "")[-6:]
    return f"{MAC_PREFIX}:{tail[0:2]}:{tail[2:4]}:{tail[4:6]}"
