"""The network protocol. All calls are idempotent: asking for what is already so is success.

Every call may raise `Unavailable` (`network.unavailable`) while the engine does not answer; the same call, repeated
later, completes what was begun. What a driver refuses is in `rules.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from altus.model.network import NetworkSpec, NicAttachment, PortSpec


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
    """What the network engine itself says, to compare the database with: ids only."""

    networks: frozenset[str]
    ports: dict[str, str]
    """port id → network id"""


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
        """Remove it and all that belongs to it; missing is success. Refuses (`network.in_use`) while it has ports."""
        ...

    async def ensure_port(self, port: PortSpec) -> None:
        """Make the port exist and be like this; it may move to another network. `NotFound` (`network.not_found`),
        `InvalidInput` (`port.address_invalid`, `port.mac_invalid`) or `Conflict` (`port.address_taken`)."""
        ...

    async def delete_port(self, port_id: str) -> None:
        """Remove it; missing is success."""
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

    async def truth(self) -> NetworkTruth:
        """All networks and ports of Altus that the engine has."""
        ...

    async def sign(self) -> str:
        """Cheap, and another one than before if networks or ports may have been changed since, whoever did it."""
        ...

    async def close(self) -> None:
        """Let go of connections; networks live on."""
        ...
