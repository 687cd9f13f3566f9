"""Networks."""

from __future__ import annotations

import ipaddress

from altus.common.errors import Conflict, InvalidInput
from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.lookup import project_for, visible, visible_page
from altus.manager.store.database import Database, Tx
from altus.manager.store.floating_ips import require_inside
from altus.manager.store.resources import NETWORK
from altus.manager.tasks.network_tasks import (
    NETWORK_CREATE_TASK,
    NETWORK_DELETE_TASK,
    NetworkMake,
    NetworkRemove,
)
from altus.model.actor import Actor
from altus.model.address_range import AddressRange
from altus.model.network import Network, NetworkKind, check_cidr
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page
from altus.wire import resources as wire


class NetworkService:
    """Networks with DHCP."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def get(self, actor: Actor, reference: str) -> Network:
        """By id or name."""
        return await self.db.read(lambda tx: visible(tx, actor, NETWORK, reference, Permission.NETWORK_READ))

    async def page(self, actor: Actor, query: ListQuery) -> Page[Network]:
        """A page of the networks the actor may see."""
        return await self.db.read(lambda tx: visible_page(tx, actor, NETWORK, query, Permission.NETWORK_READ))

    async def create(self, actor: Actor, body: wire.NetworkCreate) -> Change[NetworkMake]:
        """A new network; the CIDRs of NAT networks must not overlap, since they share their hosts' routes."""
        cidr = check_cidr(body.cidr)
        gateway = body.gateway or str(next(cidr.hosts()))
        _require_inside(gateway, cidr)
        for server in body.dns:
            _address(server)
        for text in body.reserved:
            AddressRange.parse(text, cidr)

        project = await self.db.read(lambda tx: project_for(tx, actor, body.project, Permission.NETWORK_WRITE))
        network = Network(id=new_id(), name=body.name, project_id=project, label=body.label, kind=body.kind,
                          cidr=str(cidr), gateway=gateway, dns=tuple(body.dns), mtu=body.mtu,
                          reserved=tuple(dict.fromkeys(body.reserved)))  # fmt: skip

        def reserve(tx: Tx) -> None:
            if network.kind is NetworkKind.NAT:
                _require_no_overlap(tx, network)
                require_inside(tx, network)
            NETWORK.insert(tx, network)

        return Change(kind=NETWORK_CREATE_TASK, arguments=NetworkMake(network=network), object_id=network.id,
                      object_name=network.name, project_id=project, reserve=reserve)  # fmt: skip

    async def delete(self, actor: Actor, reference: str) -> Change[NetworkRemove]:
        """Remove a network that nobody uses."""
        network = await self.get(actor, reference)
        actor.require(Permission.NETWORK_WRITE, project_id=network.project_id, object_id=network.id)
        return Change(kind=NETWORK_DELETE_TASK, arguments=NetworkRemove(network_id=network.id), object_id=network.id,
                      object_name=network.name, project_id=network.project_id)  # fmt: skip


def _address(text: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is not an IPv4 address.", code="network.address_invalid",
                           hint="Write it like 192.0.2.1.") from error  # fmt: skip


def _require_inside(gateway: str, cidr: ipaddress.IPv4Network) -> None:
    address = _address(gateway)
    if address not in cidr or address in (cidr.network_address, cidr.broadcast_address):
        raise InvalidInput(f"Gateway {gateway} is not a host address of {cidr}.", code="network.gateway_outside",
                           hint="Leave it out to take the first address.")  # fmt: skip


def _require_no_overlap(tx: Tx, network: Network) -> None:
    cidr = ipaddress.IPv4Network(network.cidr)
    for other in NETWORK.all(tx, NETWORK.table.c.kind == NetworkKind.NAT):
        if cidr.overlaps(ipaddress.IPv4Network(other.cidr)):
            raise Conflict(f"{network.cidr} overlaps {other.cidr} of network {other.name}.",
                           code="network.cidr_overlap", hint="Choose another range.")  # fmt: skip
