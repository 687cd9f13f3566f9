"""What every network driver does, the fake included."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from altus.common.errors import Conflict, InvalidInput, NotFound
from altus.common.ids import new_id
from altus.model.network import NetworkKind, NicLimit
from tests.contract.network_rigs import Subject, port_of, refusal, spec


async def test_it_says_what_it_can_do(subject: Subject) -> None:
    found = await subject.driver.capabilities()
    assert found.reason
    assert found.max_mtu >= 1442
    assert {"ovs", "ovn"} <= found.versions.keys()


@pytest.mark.parametrize("kind", NetworkKind)
async def test_a_network_can_be_asked_for_twice_and_deleted_twice(subject: Subject, kind: NetworkKind) -> None:
    network = spec(kind=kind)
    for _ in range(2):
        await subject.driver.ensure_network(network)
        assert (await subject.driver.truth()).networks == {network.id}
    for _ in range(2):
        await subject.driver.delete_network(network.id)
        assert not (await subject.driver.truth()).networks


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cidr": "10.20.0.1/24"}, "network.cidr_invalid"),
        ({"cidr": "10.20.0.0/30", "gateway": "10.20.0.1"}, "network.cidr_invalid"),
        ({"cidr": "224.0.0.0/24", "gateway": "224.0.0.1"}, "network.cidr_invalid"),
        ({"cidr": "nonsense"}, "network.cidr_invalid"),
        ({"gateway": "10.21.0.1"}, "network.gateway_invalid"),
        ({"gateway": "10.20.0.0"}, "network.gateway_invalid"),
        ({"gateway": "10.20.0.255"}, "network.gateway_invalid"),
        ({"gateway": "nonsense"}, "network.gateway_invalid"),
        ({"mtu": 100}, "network.mtu_invalid"),
        ({"mtu": 100_000}, "network.mtu_invalid"),
        ({"dns": ("nonsense",)}, "network.dns_invalid"),
        ({"dns": ("192.0.2.1}, {x",)}, "network.dns_invalid"),
    ],
)
async def test_an_impossible_network_is_refused_and_not_made(
    subject: Subject, change: dict[str, object], code: str
) -> None:
    network = replace(spec(), **change)  # type: ignore[arg-type]  # the parameters name fields of it
    assert await refusal(subject.driver.ensure_network(network), InvalidInput) == code
    assert not (await subject.driver.truth()).networks


async def test_nat_networks_do_not_overlap(subject: Subject) -> None:
    first = spec("10.20.0.0/16")
    await subject.driver.ensure_network(first)
    for cidr in ("10.20.0.0/16", "10.20.7.0/24", "10.0.0.0/8"):
        assert await refusal(subject.driver.ensure_network(spec(cidr)), Conflict) == "network.cidr_overlap"
    assert (await subject.driver.truth()).networks == {first.id}
    await subject.driver.ensure_network(spec("10.21.0.0/16"))


async def test_isolated_networks_may_overlap_anything(subject: Subject) -> None:
    await subject.driver.ensure_network(spec())
    same = [spec(kind=NetworkKind.ISOLATED) for _ in range(2)]
    for network in same:
        await subject.driver.ensure_network(network)
        await subject.driver.ensure_port(port_of(network))
    assert len((await subject.driver.truth()).networks) == 3
    changed = replace(same[0], kind=NetworkKind.NAT)
    assert await refusal(subject.driver.ensure_network(changed), Conflict) == "network.cidr_overlap"


async def test_a_network_can_change(subject: Subject) -> None:
    network = spec(kind=NetworkKind.ISOLATED)
    port = port_of(network)
    await subject.driver.ensure_network(network)
    await subject.driver.ensure_port(port)
    for changed in (replace(network, mtu=1300), replace(network, kind=NetworkKind.NAT, dns=("192.0.2.53",)), network):
        await subject.driver.ensure_network(changed)
        assert (await subject.driver.attachment(port.id)).mtu == changed.mtu
    assert (await subject.driver.truth()).ports == {port.id: network.id}


async def test_a_network_with_ports_is_not_deleted(subject: Subject) -> None:
    network = spec()
    port = port_of(network)
    await subject.driver.ensure_network(network)
    await subject.driver.ensure_port(port)
    assert await refusal(subject.driver.delete_network(network.id), Conflict) == "network.in_use"
    assert (await subject.driver.truth()).networks == {network.id}
    await subject.driver.delete_port(port.id)
    await subject.driver.delete_network(network.id)


async def test_a_port_can_be_asked_for_twice_and_deleted_twice(subject: Subject) -> None:
    network = spec()
    port = port_of(network)
    await subject.driver.ensure_network(network)
    for _ in range(2):
        await subject.driver.ensure_port(port)
        assert (await subject.driver.truth()).ports == {port.id: network.id}
    for _ in range(2):
        await subject.driver.delete_port(port.id)
        assert not (await subject.driver.truth()).ports


async def test_a_port_needs_its_network(subject: Subject) -> None:
    assert await refusal(subject.driver.ensure_port(port_of(spec())), NotFound) == "network.not_found"


@pytest.mark.parametrize("address", ["10.20.0.1", "10.20.0.0", "10.20.0.255", "10.21.0.2", "nonsense", ""])
async def test_an_impossible_address_is_refused(subject: Subject, address: str) -> None:
    network = spec()
    await subject.driver.ensure_network(network)
    port = replace(port_of(network), address=address)
    assert await refusal(subject.driver.ensure_port(port), InvalidInput) == "port.address_invalid"
    assert not (await subject.driver.truth()).ports


@pytest.mark.parametrize("mac", ["nonsense", "", "52:54:00:00:00", "01:00:5e:00:00:01", "52:54:00:00:00:01 10.0.0.1"])
async def test_an_impossible_mac_is_refused(subject: Subject, mac: str) -> None:
    network = spec()
    await subject.driver.ensure_network(network)
    assert await refusal(subject.driver.ensure_port(replace(port_of(network), mac=mac)), InvalidInput) == (
        "port.mac_invalid"
    )


async def test_two_ports_of_a_network_have_neither_address_nor_mac_in_common(subject: Subject) -> None:
    network = spec()
    await subject.driver.ensure_network(network)
    first, second = port_of(network, 2), port_of(network, 3)
    await subject.driver.ensure_port(first)
    for clash in (replace(second, address=first.address), replace(second, mac=first.mac.upper())):
        assert await refusal(subject.driver.ensure_port(clash), Conflict) == "port.address_taken"
    await subject.driver.ensure_port(second)
    await subject.driver.ensure_port(replace(second, address="10.20.0.4"))
    await subject.driver.ensure_port(port_of(network, 3))


async def test_a_port_can_move_to_another_network(subject: Subject) -> None:
    old, new = spec(), spec("10.21.0.0/24", NetworkKind.ISOLATED)
    port = port_of(old)
    for network in (old, new):
        await subject.driver.ensure_network(network)
    await subject.driver.ensure_port(port)
    await subject.driver.ensure_port(replace(port, network_id=new.id, address="10.21.0.2"))
    assert (await subject.driver.truth()).ports == {port.id: new.id}
    await subject.driver.delete_network(old.id)


async def test_a_port_tells_how_it_is_plugged(subject: Subject) -> None:
    network = replace(spec(), mtu=1400)
    port = port_of(network)
    await subject.driver.ensure_network(network)
    await subject.driver.ensure_port(port)
    attachment = await subject.driver.attachment(port.id)
    assert attachment.port_id == attachment.interface_id == port.id
    assert attachment.bridge == "br-int"
    assert attachment.mtu == 1400


async def test_an_unknown_port_is_not_found(subject: Subject) -> None:
    assert await refusal(subject.driver.attachment(new_id()), NotFound) == "port.not_found"
    assert await refusal(subject.driver.port_up(new_id()), NotFound) == "port.not_found"


async def test_a_port_is_up_while_something_is_plugged_in(subject: Subject) -> None:
    network = spec()
    port = port_of(network)
    await subject.driver.ensure_network(network)
    await subject.driver.ensure_port(port)
    assert not await subject.driver.port_up(port.id)
    await subject.plug(port.id)
    try:
        await _becomes(subject, port.id, up=True)
    finally:
        await subject.unplug(port.id)
    await _becomes(subject, port.id, up=False)


async def test_a_port_is_up_only_on_the_host_it_is_bound_to(subject: Subject) -> None:
    network = spec()
    port = port_of(network)
    await subject.driver.ensure_network(network)
    await subject.driver.ensure_port(port)
    here = await subject.driver.place()
    await subject.plug(port.id)
    try:
        for place, up in (("another host", False), (here, True), ("another host", False), ("", True)):
            for _ in range(2):
                await subject.driver.bind_port(port.id, place)
            await _becomes(subject, port.id, up=up)
        await subject.driver.ensure_port(port)
        await _becomes(subject, port.id, up=True)
    finally:
        await subject.unplug(port.id)
    assert await refusal(subject.driver.bind_port(new_id(), here), NotFound) == "port.not_found"


async def test_calls_at_once_do_not_disturb_one_another(subject: Subject) -> None:
    networks = [spec(f"10.{number}.0.0/24") for number in range(20, 26)]
    await asyncio.gather(*(subject.driver.ensure_network(network) for network in networks))
    ports = [port_of(network, number) for network in networks for number in range(2, 12)]
    await asyncio.gather(*(subject.driver.ensure_port(port) for port in ports))
    truth = await subject.driver.truth()
    assert truth.networks == {network.id for network in networks}
    assert truth.ports == {port.id: port.network_id for port in ports}


async def test_it_can_be_closed_twice(subject: Subject) -> None:
    other = type(subject.driver)()
    await other.truth()
    await other.close()
    await other.close()


async def _becomes(subject: Subject, port_id: str, *, up: bool) -> None:
    async with asyncio.timeout(60):
        while True:
            if await subject.driver.port_up(port_id) == up:
                return
            await asyncio.sleep(0.02)


async def test_sign_is_another_one_after_each_change(subject: Subject) -> None:
    network = spec(kind=NetworkKind.ISOLATED)
    await subject.driver.ensure_network(network)
    port, signs = port_of(network), [await subject.driver.sign()]
    await subject.driver.ensure_port(port)
    signs.append(await subject.driver.sign())
    await subject.driver.delete_port(port.id)
    signs.append(await subject.driver.sign())
    assert len(set(signs)) == 3


async def test_limits_of_a_port_come_and_go_and_move_along(subject: Subject) -> None:
    old, new = spec(), spec("10.21.0.0/24", NetworkKind.ISOLATED)
    for network in (old, new):
        await subject.driver.ensure_network(network)
    port, slow, fast = port_of(old), NicLimit(rate=64), NicLimit(rate=50_000, burst=5_000)
    for limits in ((slow, None), (slow, fast), (fast, fast), (None, slow), (None, None), (fast, slow)):
        limited = replace(port, limit_in=limits[0], limit_out=limits[1])
        for _ in range(2):
            await subject.driver.ensure_port(limited)
            assert (await subject.driver.truth()).limits == ({port.id: limited.limits} if limited.limits else {})
    moved = replace(port, network_id=new.id, address="10.21.0.2", limit_in=fast)
    await subject.driver.ensure_port(moved)
    assert (await subject.driver.truth()).limits == {port.id: moved.limits}
    await subject.driver.delete_network(old.id)
    await subject.driver.delete_port(port.id)
    assert (await subject.driver.truth()).limits == {}
