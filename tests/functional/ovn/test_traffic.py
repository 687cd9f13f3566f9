"""Who reaches whom."""

from __future__ import annotations

import pytest

from altus.model.network import NetworkKind
from tests.functional.ovn.lab import OUTSIDE, WAN, Lab, sh
from tests.functional.ovn.traffic import exchange, server

pytestmark = pytest.mark.functional


async def test_guests_of_one_network_talk_and_ping_their_gateway(lab: Lab) -> None:
    network = await lab.network("10.20.0.0/24")
    one, two = await lab.guest(network, 2), await lab.guest(network, 3)
    await one.reaches(network.gateway)
    await one.reaches(two.port.address)
    async with server(two, two.port.address) as came:
        await exchange(one, two.port.address)
    assert came == [one.port.address]


async def test_guests_of_an_isolated_network_talk_but_have_no_way_out(lab: Lab) -> None:
    network = await lab.network("10.30.0.0/24", NetworkKind.ISOLATED)
    one, two = await lab.guest(network, 2), await lab.guest(network, 3)
    await lab.outside()
    await one.reaches(two.port.address)
    async with server(two, two.port.address):
        await exchange(one, two.port.address)
    for address in (network.gateway, "100.64.0.1", str(WAN.ip), str(OUTSIDE.ip)):
        assert not await one.pings(address, count=3), address
    # not even a guest that finds a neighbour by itself
    await one.run("ip", "route", "replace", "default", "dev", "eth0")
    assert not await one.pings(str(WAN.ip), count=3)


async def test_two_isolated_networks_may_have_the_same_addresses_and_do_not_meet(lab: Lab) -> None:
    first = await lab.network("10.30.0.0/24", NetworkKind.ISOLATED)
    second = await lab.network("10.30.0.0/24", NetworkKind.ISOLATED)
    one, two, other = await lab.guest(first, 2), await lab.guest(first, 4), await lab.guest(second, 3)
    await one.reaches(two.port.address)
    assert not await one.pings(other.port.address, count=3)


async def test_nat_reaches_the_outside_by_the_hosts_address(lab: Lab) -> None:
    outside = await lab.outside()
    network = await lab.network("10.20.0.0/24")
    guest = await lab.guest(network, 2)
    await guest.reaches(str(OUTSIDE.ip))
    async with server(outside, str(OUTSIDE.ip)) as came:
        await exchange(guest, str(OUTSIDE.ip))
    assert came == [str(WAN.ip)]


async def test_the_host_and_its_guests_reach_each_other(lab: Lab) -> None:
    network = await lab.network("10.20.0.0/24")
    guest = await lab.guest(network, 2)
    await guest.reaches("100.64.0.1")
    async with server(guest, guest.port.address):
        await exchange(None, guest.port.address)
    async with server(None, "100.64.0.1") as came:
        await exchange(guest, "100.64.0.1")
    assert came == [guest.port.address]


async def test_the_host_reaches_guests_from_any_of_its_addresses(lab: Lab) -> None:
    await lab.outside()
    guest = await lab.guest(await lab.network("10.20.0.0/24"), 2)
    await guest.reaches("100.64.0.1")
    await sh("ping", "-c", "2", "-I", str(WAN.ip), guest.port.address)


async def test_nobody_outside_can_begin_a_connection_to_a_guest(lab: Lab) -> None:
    outside = await lab.outside()
    guest = await lab.guest(await lab.network("10.20.0.0/24"), 2)
    await guest.reaches(str(OUTSIDE.ip))
    await outside.run("ip", "route", "add", "10.20.0.0/24", "via", str(WAN.ip))
    assert not await outside.pings(guest.port.address, count=3)


async def test_different_nat_networks_do_not_meet(lab: Lab) -> None:
    first, second = await lab.network("10.20.0.0/24"), await lab.network("10.21.0.0/24")
    one, two = await lab.guest(first, 2), await lab.guest(second, 2)
    await one.reaches("100.64.0.1")
    await two.reaches("100.64.0.1")
    assert not await one.pings(two.port.address, count=3)
    assert not await one.pings(second.gateway, count=3)


async def test_packets_larger_than_the_networks_mtu_reach_guests(lab: Lab) -> None:
    network = await lab.network("10.20.0.0/24")
    guest = await lab.guest(network, 2)
    await guest.reaches(network.gateway)
    await sh("ping", "-c", "2", "-s", "4000", guest.port.address)
