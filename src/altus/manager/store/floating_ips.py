"""Floating addresses: given once, and free again when the NIC that they lead to goes."""

from __future__ import annotations

import ipaddress

import sqlalchemy as sa

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import FLOATING_IP, NETWORK, POOL
from altus.model.floating_ip import addresses_of, choose_address, outside_of, require_apart
from altus.model.network import Network, NetworkKind
from altus.model.pool import DEFAULT_POOL, Pool


def choose(tx: Tx, wanted: str) -> str:
    """The wanted address, or the lowest free one: of the default pool first. What `choose_address` raises."""
    pools = sorted(POOL.all(tx), key=lambda pool: (pool.id != DEFAULT_POOL, pool.name))
    taken = [row.address for row in tx.execute(sa.select(FLOATING_IP.table.c.address))]
    return choose_address(pools, taken, wanted)


def let_go(tx: Tx, condition: sa.ColumnElement[bool]) -> None:
    """Those that meet the condition lead to no NIC any more."""
    for floating in FLOATING_IP.all(tx, condition):
        FLOATING_IP.change(tx, floating.id, vm_id="", nic_id="", inside="")


def of_network(tx: Tx, network_id: str) -> list[str]:
    """The addresses for a network, in order."""
    found = FLOATING_IP.all(tx, FLOATING_IP.table.c.network_id == network_id)
    return [floating.address for floating in sorted(found, key=lambda one: ipaddress.IPv4Address(one.address))]


def require_outside(tx: Tx, pool: Pool) -> None:
    """Whether the pool may have its outside addresses: they are nobody else's, and include those that are given away.
    `Conflict` (`pool.outside_overlap`, `pool.outside_in_use`)."""
    others = [other for other in POOL.all(tx) if other.id != pool.id and other.outside]
    if pool.outside:
        nats = NETWORK.all(tx, NETWORK.table.c.kind == NetworkKind.NAT)
        require_apart(pool.name, outside_of(pool.outside), [
            *((f"pool {other.name}", outside_of(other.outside)) for other in others),
            *((f"network {nat.name} ({nat.cidr})", addresses_of(nat.cidr)) for nat in nats),
        ])  # fmt: skip
    ranges = [outside_of(one.outside) for one in (pool, *others) if one.outside]
    for floating in FLOATING_IP.all(tx):
        number = int(ipaddress.IPv4Address(floating.address))
        if not any(one.first <= number <= one.last for one in ranges):
            raise Conflict(f"The floating address {floating.address} would be in no pool's range.",
                           code="pool.outside_in_use", hint="Delete it first: `altus floating-ip delete`.")  # fmt: skip


def require_inside(tx: Tx, network: Network) -> None:
    """`Conflict` (`network.cidr_overlap`) if a NAT network would have outside addresses of a pool."""
    mine = addresses_of(network.cidr)
    for pool in POOL.all(tx):
        if pool.outside and (outside := outside_of(pool.outside)).first <= mine.last and mine.first <= outside.last:
            raise Conflict(f"{network.cidr} overlaps the outside addresses of pool {pool.name} ({pool.outside}).",
                           code="network.cidr_overlap", hint="Choose another range.")  # fmt: skip
