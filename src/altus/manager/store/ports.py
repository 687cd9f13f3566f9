"""Addresses taken on networks: each MAC and each IP once per network, by the database's own constraint."""

from __future__ import annotations

import sqlalchemy as sa

from altus.manager.store.database import Tx
from altus.manager.store.tables import PORTS
from altus.model.network import Network, free_address, mac_of
from altus.model.vm import NicModel, VmNic


def reserve(tx: Tx, network: Network, vm_id: str, nic_id: str, model: NicModel) -> VmNic:
    """A new NIC with the network's lowest free address."""
    taken = {row.address for row in tx.execute(sa.select(PORTS.c.address).where(PORTS.c.network_id == network.id))}
    nic = VmNic(id=nic_id, network_id=network.id, mac=mac_of(nic_id), address=free_address(network, taken), model=model)
    values = {"id": nic.id, "network_id": network.id, "vm_id": vm_id, "mac": nic.mac, "address": nic.address}
    tx.execute(PORTS.insert().values(values))
    return nic


def release(tx: Tx, port_id: str) -> None:
    """Give one address back."""
    tx.execute(PORTS.delete().where(PORTS.c.id == port_id))


def release_vm(tx: Tx, vm_id: str) -> None:
    """Give all addresses of a VM back."""
    tx.execute(PORTS.delete().where(PORTS.c.vm_id == vm_id))


def of_network(tx: Tx, network_id: str) -> list[str]:
    """Ids of the VMs plugged into a network."""
    return [r.vm_id for r in tx.execute(sa.select(PORTS.c.vm_id).distinct().where(PORTS.c.network_id == network_id))]


def all_ids(tx: Tx) -> dict[str, str]:
    """port id → network id"""
    return {row.id: row.network_id for row in tx.execute(sa.select(PORTS.c.id, PORTS.c.network_id))}
