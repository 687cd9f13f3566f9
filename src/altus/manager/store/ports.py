"""Addresses taken on networks: each MAC and each IP once per network, by the database's own constraint."""

from __future__ import annotations

import dataclasses

import sqlalchemy as sa

from altus.common.errors import Conflict
from altus.common.ids import derived_id
from altus.manager.store import floating_ips, forwards
from altus.manager.store.database import Tx
from altus.manager.store.resources import FLOATING_IP, FORWARD
from altus.manager.store.tables import PORTS
from altus.model.network import Network, free_address, mac_of, nth_address, require_host_address
from altus.model.vm import VmNic


def reserve(tx: Tx, network: Network, vm_id: str, nic: VmNic) -> VmNic:
    """The new NIC with a free address of the network, and a MAC that is free there: its 24 random bits alone collide
    among some thousands. One that has a MAC or an address already keeps it: `Conflict` (`port.mac_taken`,
    `port.address_taken`), `InvalidInput` (`port.address_invalid`)."""
    mac = nic.mac
    if mac and _taken(tx, network.id, PORTS.c.mac == mac):
        raise Conflict(f"The MAC {mac} is taken on network {network.name}.", code="port.mac_taken",
                       hint="Choose another network.")  # fmt: skip
    mac, attempt = mac or mac_of(nic.id), 0
    while _taken(tx, network.id, PORTS.c.mac == mac):
        attempt += 1
        mac = mac_of(derived_id("mac", nic.id, str(attempt)))
    address = require_host_address(network, nic.address) if nic.address else _free_address(tx, network)
    if nic.address and _taken(tx, network.id, PORTS.c.address == address):
        raise Conflict(f"The address {address} is taken on network {network.name}.", code="port.address_taken",
                       hint="Choose another one, or leave it out.")  # fmt: skip
    nic = dataclasses.replace(nic, network_id=network.id, mac=mac, address=address)
    values = {"id": nic.id, "network_id": network.id, "vm_id": vm_id, "mac": nic.mac, "address": nic.address}
    tx.execute(PORTS.insert().values(values))
    return nic


def settle(tx: Tx, reserved: VmNic, port_id: str) -> None:
    """Let the port have what was reserved, instead of what it had."""
    tx.execute(PORTS.delete().where(PORTS.c.id == reserved.id))
    values = {"network_id": reserved.network_id, "mac": reserved.mac, "address": reserved.address}
    tx.execute(PORTS.update().where(PORTS.c.id == port_id).values(values))


def _free_address(tx: Tx, network: Network) -> str:
    """Where addresses were never given back, the next one is free; else all have to be looked through for a gap."""
    mine = PORTS.c.network_id == network.id
    count = int(tx.execute(sa.select(sa.func.count()).select_from(PORTS).where(mine)).scalar_one())
    following = nth_address(network, count)
    if following is not None and not _taken(tx, network.id, PORTS.c.address == following):
        return following
    return free_address(network, {row.address for row in tx.execute(sa.select(PORTS.c.address).where(mine))})


def _taken(tx: Tx, network_id: str, condition: sa.ColumnElement[bool]) -> bool:
    return tx.execute(sa.select(PORTS.c.id).where(PORTS.c.network_id == network_id, condition)).first() is not None


def release(tx: Tx, port_id: str) -> None:
    """Give one address back; floating addresses that led to it are free, forwards to it gone."""
    forwards.delete_all(tx, FORWARD.table.c.nic_id == port_id)
    floating_ips.let_go(tx, FLOATING_IP.table.c.nic_id == port_id)
    tx.execute(PORTS.delete().where(PORTS.c.id == port_id))


def release_vm(tx: Tx, vm_id: str) -> None:
    """Give all addresses of a VM back; floating addresses that led to them are free, forwards to them gone."""
    forwards.delete_all(tx, FORWARD.table.c.vm_id == vm_id)
    floating_ips.let_go(tx, FLOATING_IP.table.c.vm_id == vm_id)
    tx.execute(PORTS.delete().where(PORTS.c.vm_id == vm_id))


def of_network(tx: Tx, network_id: str) -> list[str]:
    """Ids of the VMs plugged into a network."""
    return [r.vm_id for r in tx.execute(sa.select(PORTS.c.vm_id).distinct().where(PORTS.c.network_id == network_id))]


def owner(tx: Tx, network_id: str, address: str) -> tuple[str, str] | None:
    """Ids of the port that has an address of a network, and of its VM."""
    mine = (PORTS.c.network_id == network_id) & (PORTS.c.address == address)
    found = tx.execute(sa.select(PORTS.c.id, PORTS.c.vm_id).where(mine)).first()
    return None if found is None else (found.id, found.vm_id)


def all_ids(tx: Tx) -> dict[str, str]:
    """port id → network id"""
    found: dict[str, str] = dict(tx.execute(sa.select(PORTS.c.id, PORTS.c.network_id)).all())  # type: ignore[arg-type]
    return found
