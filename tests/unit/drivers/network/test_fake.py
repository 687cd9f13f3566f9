"""What only the fake has: planned failures and a file. The rest is in the contract suite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from altus.common.errors import Failed, Unavailable
from altus.common.ids import new_id
from altus.drivers.network.fake import FakeNetworks
from altus.model.network import NetworkKind, NetworkSpec, PortSpec, mac_of


def _network() -> NetworkSpec:
    return NetworkSpec(id=new_id(), kind=NetworkKind.NAT, cidr="10.20.0.0/24", gateway="10.20.0.1", dns=("192.0.2.1",))


def _port(network: NetworkSpec) -> PortSpec:
    port_id = new_id()
    return PortSpec(id=port_id, network_id=network.id, mac=mac_of(port_id), address="10.20.0.2")


async def test_planned_failures_come_in_order_and_change_nothing() -> None:
    fake, network = FakeNetworks(), _network()
    fake.fail_next("ensure_network", Unavailable("first"))
    fake.fail_next("ensure_network", Failed("second"))
    with pytest.raises(Unavailable, match="first"):
        await fake.ensure_network(network)
    with pytest.raises(Failed, match="second"):
        await fake.ensure_network(network)
    assert not (await fake.truth()).networks
    await fake.ensure_network(network)
    assert (await fake.truth()).networks == {network.id}


@pytest.mark.parametrize(
    "operation", ["capabilities", "ensure_network", "delete_network", "ensure_port", "delete_port", "attachment",
                  "port_up", "truth"]
)  # fmt: skip
async def test_every_operation_can_be_made_to_fail(operation: str) -> None:
    fake, network = FakeNetworks(), _network()
    port = _port(network)
    calls = {
        "capabilities": fake.capabilities(), "ensure_network": fake.ensure_network(network),
        "delete_network": fake.delete_network(network.id), "ensure_port": fake.ensure_port(port),
        "delete_port": fake.delete_port(port.id), "attachment": fake.attachment(port.id),
        "port_up": fake.port_up(port.id), "truth": fake.truth(),
    }  # fmt: skip
    fake.fail_next(operation, Failed("planned"))
    with pytest.raises(Failed, match="planned"):
        await calls.pop(operation)
    for call in calls.values():
        call.close()


async def test_the_next_fake_goes_on_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "networks.db"
    network = _network()
    port = _port(network)
    first = FakeNetworks(path)
    await first.ensure_network(network)
    await first.ensure_port(port)
    second = FakeNetworks(path)
    assert await second.truth() == await first.truth()
    await second.ensure_network(replace(network, mtu=1400))
    assert (await FakeNetworks(path).attachment(port.id)).mtu == 1400
    await second.delete_port(port.id)
    await second.delete_network(network.id)
    assert not (await FakeNetworks(path).truth()).networks


async def test_a_deleted_port_has_nothing_plugged_in() -> None:
    fake, network = FakeNetworks(), _network()
    port = _port(network)
    await fake.ensure_network(network)
    await fake.ensure_port(port)
    fake.plugged.add(port.id)
    assert await fake.port_up(port.id)
    await fake.delete_port(port.id)
    await fake.ensure_port(port)
    assert not await fake.port_up(port.id)
