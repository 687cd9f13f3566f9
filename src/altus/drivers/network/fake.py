"""A network driver that only remembers: for tests, and for the development of everything above it."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path

from altus.common.errors import Conflict, NotFound
from altus.drivers.network.base import Datapath, NetworkCapabilities, NetworkTruth
from altus.drivers.network.fake_store import FakeStore
from altus.drivers.network.fake_trace import trace
from altus.drivers.network.rules import (
    check_network,
    check_overlap,
    check_port,
    check_router,
    check_translation,
    require_off_routers,
)
from altus.model.network import NetworkKind, NetworkSpec, NicAttachment, PortSpec
from altus.model.network_trace import PacketSpec, TraceFacts
from altus.model.router import RouterSpec
from altus.model.security_group import SecurityGroupSpec
from altus.model.translation import TranslationSpec

_MAX_MTU = 1442


class FakeNetworks:
    """Networks in memory, and in the file `path` if there is one, which the next fake with that path goes on from.

    `plugged` holds the ids of the ports that a VM is plugged into: tests and the fake hypervisor change it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.plugged: set[str] = set()
        self._store = FakeStore(path)
        self._failures: dict[str, list[Exception]] = {}

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
            others = self._store.networks()
            nats = {other.id: IPv4Network(other.cidr) for other in others if other.kind is NetworkKind.NAT}
            check_overlap(network.id, cidr, nats)
        self._store.save_network(network)

    async def delete_network(self, network_id: str) -> None:
        """See NetworkDriver."""
        self._fail("delete_network")
        members = list(self._store.ports().values()).count(network_id)
        if members:
            raise Conflict(f"Network {network_id} still has {members} ports.", code="network.in_use",
                           hint="Delete the VMs on it, or their NICs, first.")  # fmt: skip
        require_off_routers(network_id, self._store.routers())
        self._store.remove_network(network_id)

    async def ensure_port(self, port: PortSpec) -> None:
        """See NetworkDriver."""
        self._fail("ensure_port")
        network = self._network(port.network_id)
        check_port(port, IPv4Network(network.cidr), network.gateway, self._store.rivals(port))
        self._require_groups(port.security_groups)
        self._store.save_port(port)

    async def ensure_security_group(self, group: SecurityGroupSpec) -> None:
        """See NetworkDriver."""
        self._fail("ensure_security_group")
        self._require_groups(group.remote_ids)
        self._store.save_group(group)

    async def delete_security_group(self, group_id: str) -> None:
        """See NetworkDriver."""
        self._fail("delete_security_group")
        members = [port for port, groups in self._store.memberships().items() if group_id in groups]
        others = [group for group in self._store.groups() if group_id in group.remote_ids]
        if members or others:
            raise Conflict(f"Security group {group_id} has {len(members)} members, and {len(others)} groups name it.",
                           code="security_group.in_use", hint="Take NICs out of it.")  # fmt: skip
        self._store.remove_group(group_id)

    async def delete_port(self, port_id: str) -> None:
        """See NetworkDriver."""
        self._fail("delete_port")
        self._store.remove_port(port_id)
        self.plugged.discard(port_id)

    async def ensure_router(self, router: RouterSpec) -> None:
        """See NetworkDriver."""
        self._fail("ensure_router")
        check_router(router, {one.id: one.cidr for one in self._store.networks()}, self._store.routers())
        self._store.save_router(router)

    async def delete_router(self, router_id: str) -> None:
        """See NetworkDriver."""
        self._fail("delete_router")
        self._store.remove_router(router_id)

    async def ensure_translation(self, translation: TranslationSpec) -> None:
        """See NetworkDriver."""
        self._fail("ensure_translation")
        network = self._network(translation.network_id)
        self._port(translation.port_id)
        check_translation(translation, network.kind, self._store.translations())
        self._store.save_translation(translation)

    async def delete_translation(self, translation_id: str) -> None:
        """See NetworkDriver."""
        self._fail("delete_translation")
        self._store.remove_translation(translation_id)

    async def place(self) -> str:
        """See NetworkDriver."""
        self._fail("place")
        return "here"

    async def bind_port(self, port_id: str, place: str) -> None:
        """See NetworkDriver."""
        self._fail("bind_port")
        self._store.bind_port(self._port(port_id).id, place)

    async def attachment(self, port_id: str) -> NicAttachment:
        """See NetworkDriver."""
        self._fail("attachment")
        network = self._network(self._port(port_id).network_id)
        return NicAttachment(port_id=port_id, bridge="br-int", interface_id=port_id, mtu=network.mtu,
                             checksum_offload=True)  # fmt: skip

    async def port_up(self, port_id: str) -> bool:
        """See NetworkDriver."""
        self._fail("port_up")
        return self._port(port_id).id in self.plugged and self._store.bound_to(port_id) in ("", "here")

    async def trace(self, packet: PacketSpec) -> TraceFacts:
        """See NetworkDriver."""
        self._fail("trace")
        network = self._network(packet.network_id)
        for port_id in (packet.port_id, packet.to_port_id):
            if port_id:
                self._port(port_id)
        members = self._store.memberships()
        groups = {group.id: group for group in self._store.groups()}
        addresses: dict[str, set[str]] = {}
        for port_id, joined in members.items():
            for group_id in joined:
                addresses.setdefault(group_id, set()).add(self._port(port_id).address)
        return trace(packet, groups, members, addresses, routed=network.kind is NetworkKind.NAT)

    async def truth(self) -> NetworkTruth:
        """See NetworkDriver."""
        self._fail("truth")
        networks = frozenset(network.id for network in self._store.networks())
        there = {group.id: group.digest for group in self._store.groups()}
        memberships = {port: sorted(there.keys() & groups) for port, groups in self._store.memberships().items()}
        return NetworkTruth(networks=networks, ports=self._store.ports(), security_groups=there,
                            memberships={port: groups for port, groups in memberships.items() if groups},
                            limits=self._store.limits(),
                            routers={one.id: one.words for one in self._store.routers()},
                            translations={one.id: one.words for one in self._store.translations()})  # fmt: skip

    async def sign(self) -> str:
        """See NetworkDriver."""
        return self._store.sign

    async def close(self) -> None:
        """See NetworkDriver."""
        self._store.close()

    def _fail(self, operation: str) -> None:
        planned = self._failures.get(operation)
        if planned:
            raise planned.pop(0)

    def _require_groups(self, group_ids: Iterable[str]) -> None:
        there = {group.id for group in self._store.groups()}
        for missing in sorted(set(group_ids) - there):
            raise NotFound(f"There is no security group {missing}.", code="security_group.not_found",
                           hint="Create the group before its members.")  # fmt: skip

    def _network(self, network_id: str) -> NetworkSpec:
        found = self._store.network(network_id)
        if found is None:
            raise NotFound(f"There is no network {network_id}.", code="network.not_found",
                           hint="Create the network before its ports.")  # fmt: skip
        return found

    def _port(self, port_id: str) -> PortSpec:
        found = self._store.port(port_id)
        if found is None:
            raise NotFound(f"There is no port {port_id}.", code="port.not_found", hint="Make the port first.")
        return found
