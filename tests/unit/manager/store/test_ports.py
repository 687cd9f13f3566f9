"""Addresses on networks: each once, gaps are used, collisions of MACs are avoided."""

from __future__ import annotations

import dataclasses

import pytest

from altus.common.errors import AltusError, LimitExceeded
from altus.common.ids import new_id
from altus.manager.store import ports
from altus.manager.store.database import Database, Tx
from altus.model.network import Network, mac_of, nth_address
from altus.model.vm import VmNic


def _network(cidr: str = "10.0.0.0/28", gateway: str = "10.0.0.1") -> Network:
    return Network(id=new_id(), name="n", cidr=cidr, gateway=gateway)


async def _reserve(db: Database, network: Network, nic_id: str = "") -> VmNic:
    nic = VmNic(id=nic_id or new_id(), network_id=network.id, mac="", address="")
    return await db.write(lambda tx: ports.reserve(tx, network, "vm", nic))


@pytest.mark.parametrize("gateway", ["10.0.0.1", "10.0.0.7", "10.0.0.14"])
async def test_every_address_is_given_once_and_then_none(db: Database, gateway: str) -> None:
    network = _network(gateway=gateway)
    given = [(await _reserve(db, network)).address for _ in range(13)]
    assert given == [f"10.0.0.{n}" for n in range(1, 15) if f"10.0.0.{n}" != gateway]
    assert nth_address(network, 13) is None
    with pytest.raises(LimitExceeded):
        await _reserve(db, network)


async def test_address_given_back_is_given_again(db: Database) -> None:
    network = _network()
    nics = [await _reserve(db, network) for _ in range(13)]
    await db.write(lambda tx: ports.release(tx, nics[4].id))
    assert (await _reserve(db, network)).address == nics[4].address


async def test_mac_that_is_taken_is_avoided(db: Database) -> None:
    network, tail = _network(), "abcdef"
    one, two, three = (f"{new_id()[:-6]}{tail}" for _ in range(3))
    macs = [(await _reserve(db, network, nic_id)).mac for nic_id in (one, two, three)]
    assert macs[0] == mac_of(one) == mac_of(two)
    assert len(set(macs)) == 3
    assert (await _reserve(db, _network(), new_id()[:-6] + tail)).mac == macs[0]  # on another network


async def test_reserved_addresses_are_only_given_to_who_asks(db: Database) -> None:
    network = dataclasses.replace(_network(), reserved=("10.0.0.2-10.0.0.4", "10.0.0.6"))

    async def ask(address: str) -> VmNic:
        nic = VmNic(id=new_id(), network_id=network.id, mac="", address=address)
        return await db.write(lambda tx: ports.reserve(tx, network, "vm", nic))

    assert (await ask("10.0.0.3")).address == "10.0.0.3"
    assert (await ask("10.0.0.14")).address == "10.0.0.14"
    given = {(await ask("")).address for _ in range(8)}
    assert given == {f"10.0.0.{number}" for number in (5, *range(7, 14))}
    with pytest.raises(LimitExceeded):
        await ask("")
    for address, code in (("10.0.0.3", "port.address_taken"), ("10.0.0.1", "port.address_invalid")):
        with pytest.raises(AltusError) as refused:
            await ask(address)
        assert refused.value.code == code


async def test_addresses_of_a_vm_are_given_back_together(db: Database) -> None:
    network = _network()
    await _reserve(db, network)

    def work(tx: Tx) -> dict[str, str]:
        ports.release_vm(tx, "vm")
        return ports.all_ids(tx)

    assert await db.write(work) == {}
