"""How our rows are named and marked, and what the driver assumes of its host."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

NETWORK_MARK = "altus-network"
PORT_MARK = "altus-port"
"""Keys of `external_ids`; the value is the id in Altus' database."""

BRIDGE = "br-int"
TRANSIT = "altus-transit"
"""The logical switch between the routers and the host, and its one localnet port's and physical network's name."""

_TRANSIT = IPv4Interface("100.64.0.1/16")


@dataclass(frozen=True, kw_only=True)
class OvnSettings:
    """Where things are. Sockets are `unix:PATH`.

    `southbound` and `encap_address` None: as this host is already set up, or OVN's defaults for a single host.
    `uplink` is the bridge between OVN and the host's own IP stack; the host has the address `transit` there and routers
    take the other addresses of that network.
    """

    northbound: str = "unix:/run/ovn/ovnnb_db.sock"
    local: str = "unix:/run/openvswitch/db.sock"
    southbound: str | None = None
    encap_address: str | None = None
    uplink: str = "altus-ext"
    transit: IPv4Interface = _TRANSIT
    timeout: float = 10.0


@dataclass(frozen=True, kw_only=True)
class NatNetwork:
    """What the host must do for a NAT network: send `cidr` to its router at `router`, no packet larger than `mtu`."""

    id: str
    cidr: IPv4Network
    router: IPv4Address
    mtu: int


def switch_name(network_id: str) -> str:
    """The name of a network's logical switch, and of its router."""
    return f"altus-{network_id}"


def mac_for(*parts: str) -> str:
    """The one locally administered MAC that belongs to these parts."""
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x0E, *digest[:5]))
