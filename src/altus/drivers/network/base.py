"""The network protocol. All calls are idempotent: asking for what is already so is success."""

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
        """Make the network exist and be like this, with DHCP and, for `nat`, a way out through this host."""
        ...

    async def delete_network(self, network_id: str) -> None:
        """Remove it and all that belongs to it; missing is success. Refuses (`network.in_use`) while it has ports."""
        ...

    async def ensure_port(self, port: PortSpec) -> None:
        """Make the port exist and be like this."""
        ...

    async def delete_port(self, port_id: str) -> None:
        """Remove it; missing is success."""
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

    async def close(self) -> None:
        """Let go of connections; networks live on."""
        ...
