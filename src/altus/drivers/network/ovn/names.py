"""How our rows are named and marked, and what the driver assumes of its host."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from altus.drivers.network.ovn.remote import Tls

NETWORK_MARK = "altus-network"
PORT_MARK = "altus-port"
GROUP_MARK = "altus-security-group"
RULE_MARK = "altus-rule"
TRANSLATION_MARK = "altus-translation"
ROUTER_MARK = "altus-router"
"""Keys of `external_ids`; the value is the id in Altus' database (of a port's groups: all ids, blanks between)."""

BRIDGE = "br-int"
TRANSIT = "altus-transit"
"""The logical switch between the routers and the host, and its one localnet port's and physical network's name."""

_TRANSIT = IPv4Interface("100.64.0.1/16")
_KEYS = 1 << 14
"""Half of the numbers that OVN has for the ports of a switch or router."""


@dataclass(frozen=True, kw_only=True)
class OvnSettings:
    """Where things are; databases as `remote.py` names them, `tls` for those on other machines.

    `southbound` None: this host is the only one of its OVN, which runs here. `encap_address`, to which other hosts
    tunnel, None: as this host is already set up, or loopback. `uplink` is the bridge between OVN and the host's own IP
    stack; the host has the address `transit` there and routers take the other addresses of that network.
    """

    northbound: str = "unix:/run/ovn/ovnnb_db.sock"
    local: str = "unix:/run/openvswitch/db.sock"
    southbound: str | None = None
    encap_address: str | None = None
    tls: Tls | None = None
    uplink: str = "altus-ext"
    transit: IPv4Interface = _TRANSIT
    timeout: float = 10.0

    @property
    def sole(self) -> bool:
        """Whether there are no other hosts, so that every network goes out through this one."""
        return self.southbound is None


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


def group_name(group_id: str) -> str:
    """The name of a security group's port group, which may have no dashes in matches."""
    return f"altus_{group_id.replace('-', '_')}"


def mac_for(*parts: str) -> str:
    """The one locally administered MAC that belongs to these parts."""
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x0E, *digest[:5]))


def key_for(port: str) -> str:
    """The number of a port among those of its switch or router, always the same, from the half that OVN does not use by
    itself; where two come to the same, OVN gives one of them another."""
    digest = hashlib.sha256(port.encode()).digest()
    return str(_KEYS + int.from_bytes(digest[:2]) % _KEYS)
