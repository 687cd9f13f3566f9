"""A network driver that only remembers: for tests, and for the development of everything above it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from altus.common.errors import Conflict, NotFound
from altus.drivers.network.base import Datapath, NetworkCapabilities, NetworkTruth
from altus.drivers.network.rules import check_network, check_overlap, check_port
from altus.model.network import NetworkKind, NetworkSpec, NicAttachment, PortSpec

_MAX_MTU = 1442


class FakeNetworks:
    """Networks in memory, and in the file `path` if there is one, which the next fake with that path goes on from.

    `plugged` holds the ids of the ports that a VM is plugged into: tests and the fake hypervisor change it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.plugged: set[str] = set()
        self._path = path
        self._networks: dict[str, NetworkSpec] = {}
        self._ports: dict[str, PortSpec] = {}
        self._failures: dict[str, list[Exception]] = {}
        if path is not None and path.exists():
            self._load(json.loads(path.read_text()))

    def fail_next(self, operation: str, error: Exception) -> None:
        """The next call of the method `operation` raises `error` and does nothing; more than once: in this order."""
        self._failures.setdefault(operation, []).append(error)

    async def capabilities(self) -> NetworkCapabilities:
        """See NetworkDriver."""
        self._fail("capabilities")
        return NetworkCapabilities(datapath=Datapath.FAKE, reason="Nothing is real here.", max_mtu=_MAX_MTU,
                                   versions={"ovs": "fake", "ovn": "fake"})  # fmt: skip

    async def ensure_network(self, network: NetworkSpec) -> None:
        """See NetworkDriver."""
        self._fail("ensure_network")
        cidr = check_network(network, _MAX_MTU)
        if network.kind is NetworkKind.NAT:
            others = self._networks.values()
            nats = {other.id: IPv4Network(other.cidr) for other in others if other.kind is NetworkKind.NAT}
            check_overlap(network.id, cidr, nats)
        self._networks[network.id] = network
        self._save()

    async def delete_network(self, network_id: str) -> None:
        """See NetworkDriver."""
        self._fail("delete_network")
        members = sum(port.network_id == network_id for port in self._ports.values())
        if members:
            raise Conflict(f"Network {network_id} still has {members} ports.", code="network.in_use",
                           hint="Delete the VMs on it, or their NICs, first.")  # fmt: skip
        self._networks.pop(network_id, None)
        self._save()

    async def ensure_port(self, port: PortSpec) -> None:
        """See NetworkDriver."""
        self._fail("ensure_port")
        network = self._networks.get(port.network_id)
        if network is None:
            raise NotFound(f"There is no network {port.network_id}.", code="network.not_found",
                           hint="Create the network before its ports.")  # fmt: skip
        others = [(other.mac, other.address) for other in self._ports.values()
                  if other.network_id == port.network_id and other.id != port.id]  # fmt: skip
        check_port(port, IPv4Network(network.cidr), network.gateway, others)
        self._ports[port.id] = port
        self._save()

    async def delete_port(self, port_id: str) -> None:
        """See NetworkDriver."""
        self._fail("delete_port")
        self._ports.pop(port_id, None)
        self.plugged.discard(port_id)
        self._save()

    async def attachment(self, port_id: str) -> NicAttachment:
        """See NetworkDriver."""
        self._fail("attachment")
        network = self._networks[self._port(port_id).network_id]
        return NicAttachment(port_id=port_id, bridge="br-int", interface_id=port_id, mtu=network.mtu,
                             checksum_offload=True)  # fmt: skip

    async def port_up(self, port_id: str) -> bool:
        """See NetworkDriver."""
        self._fail("port_up")
        return self._port(port_id).id in self.plugged

    async def truth(self) -> NetworkTruth:
        """See NetworkDriver."""
        self._fail("truth")
        return NetworkTruth(networks=frozenset(self._networks),
                            ports={port.id: port.network_id for port in self._ports.values()})  # fmt: skip

    async def close(self) -> None:
        """See NetworkDriver."""

    def _fail(self, operation: str) -> None:
        planned = self._failures.get(operation)
        if planned:
            raise planned.pop(0)

    def _port(self, port_id: str) -> PortSpec:
        if port_id not in self._ports:
            raise NotFound(f"There is no port {port_id}.", code="port.not_found", hint="Make the port first.")
        return self._ports[port_id]

    def _save(self) -> None:
        """Whole or not at all when killed; it need not survive a power cut."""
        if self._path is None:
            return
        state = {"networks": [asdict(network) for network in self._networks.values()],
                 "ports": [asdict(port) for port in self._ports.values()]}  # fmt: skip
        new = self._path.with_suffix(f".{os.getpid()}.new")
        new.write_text(json.dumps(state))
        new.replace(self._path)

    def _load(self, state: dict[str, list[dict[str, Any]]]) -> None:
        for text in state["networks"]:
            network = NetworkSpec(**{**text, "kind": NetworkKind(text["kind"]), "dns": tuple(text["dns"])})
            self._networks[network.id] = network
        for text in state["ports"]:
            port = PortSpec(**text)
            self._ports[port.id] = port
