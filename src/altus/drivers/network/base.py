"""The network protocol. All calls are idempotent: asking for what is already so is success.

Every call may raise `Unavailable` (`network.unavailable`) while the engine does not answer; the same call, repeated
later, completes what was begun. What a driver refuses is in `rules.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from altus.model.network import NetworkSpec, NicAttachment, PortSpec
from altus.model.network_trace import PacketSpec, TraceFacts
from altus.model.router import RouterSpec
from altus.model.security_group import SecurityGroupSpec
from altus.model.translation import TranslationSpec


class Datapath(StrEnum):
    """Who forwards packets: the kernel's module, or user space where there is none (slower, with a warning)."""

    KERNEL = "kernel"
    USERSPACE = "userspace"
    FAKE = "fake"


@dataclass(frozen=True, kw_only=True)
class NetworkCapabilities:
    """What was found on this host; `max_mtu` is the largest MTU a network may have."""

    datapath: Datapath
    reason: str
    max_mtu: int
    versions: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class NetworkTruth:
    """What the network engine itself says, to compare the database with."""

    networks: frozenset[str]
    ports: dict[str, str]
    """port id → network id"""
    security_groups: dict[str, str]
    """group id → the digest of what it was asked to be (`SecurityGroupSpec.digest`); empty if it is that no more"""
    memberships: dict[str, list[str]]
    """port id → the groups that it is a member of, by id; only ports in groups"""
    limits: dict[str, str]
    """port id → its limits, as `PortSpec.limits` tells them; only ports with limits"""
    routers: dict[str, str]
    """router id → the ids of its networks which it really leads to, as `RouterSpec.words` tells them"""
    translations: dict[str, str]
    """translation id → what it does, as `TranslationSpec.words` tells it; empty if this host does not do its part"""


class NetworkDriver(Protocol):
    """The pool's networks, seen from one host."""

    async def capabilities(self) -> NetworkCapabilities:
        """What it can do here."""
        ...

    async def ensure_network(self, network: NetworkSpec) -> None:
        """Make the network exist and be like this, with DHCP and, for `nat`, a way out through this host and a way in
        from it, which are used while no other host of the pool is before it. `InvalidInput` (`network.cidr_invalid`,
        `gateway_invalid`, `mtu_invalid`, `dns_invalid`) or, where a `nat` network has addresses that this host already
        reaches, `Conflict` (`network.cidr_overlap`)."""
        ...

    async def delete_network(self, network_id: str) -> None:
        """Remove it and all that belongs to it; missing is success. Refuses (`network.in_use`) while it has
        ports or is on a router."""
        ...

    async def ensure_port(self, port: PortSpec) -> None:
        """Make the port exist and be like this; it may move to another network. Its groups and limits hold at once.
        `NotFound` (`network.not_found`, `security_group.not_found`), `InvalidInput` (`port.address_invalid`,
        `port.mac_invalid`) or `Conflict` (`port.address_taken`)."""
        ...

    async def delete_port(self, port_id: str) -> None:
        """Remove it; missing is success."""
        ...

    async def ensure_security_group(self, group: SecurityGroupSpec) -> None:
        """Make the group exist with these rules, and its members be held to them at once. `NotFound`
        (`security_group.not_found`) if a rule names a group that is not there."""
        ...

    async def delete_security_group(self, group_id: str) -> None:
        """Remove it; missing is success. Refuses (`security_group.in_use`) while it has members or rules of others name
        it."""
        ...

    async def ensure_router(self, router: RouterSpec) -> None:
        """Let just these networks reach each other by it. `NotFound` (`network.not_found`), `Conflict`
        (`router.cidr_overlap`, `router.network_taken` if one is on another router)."""
        ...

    async def delete_router(self, router_id: str) -> None:
        """Remove it: its networks do not reach each other any more. Missing is success."""
        ...

    async def ensure_translation(self, translation: TranslationSpec) -> None:
        """Lead packets to an outside address to a NIC, wherever it is plugged in, and what the NIC sends out with that
        address, also over connections that are there. `NotFound` (`network.not_found`, `port.not_found`), `Conflict`
        (`translation.no_way_out` on a network that is not `nat`, `translation.taken` if another one has the address or
        port, `translation.own_address` and `translation.own_port` for what this host itself has)."""
        ...

    async def delete_translation(self, translation_id: str) -> None:
        """Take it back; missing is success. It also goes with its port."""
        ...

    async def place(self) -> str:
        """What this host is called as the place of a port."""
        ...

    async def bind_port(self, port_id: str, place: str) -> None:
        """Let only the host with this `place` plug a VM into the port, whoever else has one there; empty: let any host.
        Packets follow at once. `NotFound` (`port.not_found`) if there is none."""
        ...

    async def attachment(self, port_id: str) -> NicAttachment:
        """How a VM on this host is plugged into the port; `NotFound` (`port.not_found`) if there is none."""
        ...

    async def port_up(self, port_id: str) -> bool:
        """Whether a VM is plugged into the port and packets flow."""
        ...

    async def trace(self, packet: PacketSpec) -> TraceFacts:
        """What would become of the packet, as the engine's rules are now; nothing is sent. Those of the last second may
        not be among them. `NotFound` (`network.not_found`, `port.not_found`)."""
        ...

    async def truth(self) -> NetworkTruth:
        """All networks and ports of Altus that the engine has."""
        ...

    async def sign(self) -> str:
        """Cheap, and another one than before if networks or ports may have been changed since, whoever did it."""
        ...

    async def close(self) -> None:
        """Let go of connections; networks live on."""
        ...
