"""Routers between networks by packets: who is on one reaches the others there, and nobody else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from altus.common.ids import new_id
from altus.model.network import NetworkKind
from altus.model.router import RouterSpec
from altus.model.security_group import Direction, Protocol, SecurityRule
from devkit.services.plain import Plain
from tests.functional.ovn.dial import Answer, becomes, dial, listening
from tests.functional.ovn.lab import OUTSIDE, WAN, Guest, Lab, sh, until
from tests.functional.ovn.test_dhcp import lease
from tests.functional.ovn.traffic import exchange, server

pytestmark = pytest.mark.functional


async def _isolated(lab: Lab, *numbers: int) -> list[Guest]:
    """A guest on an isolated network of its own for each number."""
    return [await lab.guest(await lab.network(f"10.{number}.0.0/24", NetworkKind.ISOLATED), 2) for number in numbers]


async def _meet(one: Guest, two: Guest) -> None:
    """Both ways, and both see who comes."""
    await one.reaches(two.port.address)
    for sender, receiver in ((one, two), (two, one)):
        async with server(receiver, receiver.port.address) as came:
            await exchange(sender, receiver.port.address)
        assert came == [sender.port.address]


async def test_isolated_networks_on_a_router_reach_only_each_other(lab: Lab) -> None:
    one, two, stranger = await _isolated(lab, 30, 31, 32)
    outside = await lab.outside()
    assert not await one.pings(two.port.address)
    router = await lab.router(one.network, two.network)
    await _meet(one, two)
    for address in (stranger.port.address, str(WAN.ip), str(OUTSIDE.ip), "100.64.0.1"):
        assert not await one.pings(address), address
    await outside.run("ip", "route", "add", "10.30.0.0/24", "via", str(WAN.ip))
    assert not await outside.pings(one.port.address)
    await lab.driver.ensure_router(replace(router, networks=(one.network.id, stranger.network.id)))
    await _meet(one, stranger)
    assert not await one.pings(two.port.address)
    await lab.driver.delete_router(router.id)
    await until(lambda: _apart(one, stranger), "they do not reach each other any more")


async def _apart(one: Guest, two: Guest) -> bool:
    return not await one.pings(two.port.address)


async def test_a_nat_network_on_a_router_keeps_its_way_out_to_itself(lab: Lab) -> None:
    (one,) = await _isolated(lab, 30)
    outside = await lab.outside()
    nat = await lab.guest(await lab.network("10.20.0.0/24"), 2)
    other = await lab.guest(await lab.network("10.21.0.0/24"), 2)
    await nat.reaches(str(OUTSIDE.ip))
    await lab.router(one.network, nat.network, other.network)
    await _meet(one, nat)
    await _meet(nat, other)
    async with server(outside, str(OUTSIDE.ip)) as came:
        await exchange(nat, str(OUTSIDE.ip))
    assert came == [str(WAN.ip)]
    assert not await one.pings(str(OUTSIDE.ip))
    async with server(nat, nat.port.address):
        await exchange(None, nat.port.address)


async def test_security_groups_decide_between_networks(lab: Lab) -> None:
    (one,) = await _isolated(lab, 30)
    rule = SecurityRule(id=new_id(), direction=Direction.IN, protocol=Protocol.TCP, first_port=80, last_port=80,
                        cidr="10.30.0.0/24")  # fmt: skip
    held = await lab.guest(await lab.network("10.31.0.0/24", NetworkKind.ISOLATED), 2, await lab.group(rule))
    await lab.router(one.network, held.network)
    async with listening(held, held.port.address, 80, 81):
        await becomes(one, held.port.address, 80, Answer.CONNECTED)
        assert await dial(one, held.port.address, 81) is Answer.SILENT
        assert not await one.pings(held.port.address)


async def test_guests_are_told_of_the_gateway_while_there_is_a_router(lab: Lab, tmp_path: Path) -> None:
    network = await lab.network("10.30.0.0/24", NetworkKind.ISOLATED)
    guest = await lab.guest(network, 2, configured=False)
    router = await lab.router(network)

    async def told() -> str:
        return (await lease(guest, tmp_path)).get("router", "")

    async def told_of(gateway: str) -> bool:
        return await told() == gateway

    await until(lambda: told_of(network.gateway), "the gateway is told")
    await lab.driver.ensure_network(network)
    assert await told() == network.gateway
    await lab.driver.delete_router(router.id)
    await until(lambda: told_of(""), "there is no gateway any more")


@pytest.mark.parametrize("damage", ["switch", "router", "route", "joint", "link"])
async def test_what_somebody_deletes_is_seen_and_put_right(lab: Lab, damage: str) -> None:
    one, two = await _isolated(lab, 30, 31)
    router = await lab.router(one.network, two.network)
    await _meet(one, two)
    own = f"altus-{one.network.id}"
    commands = {
        "switch": ("ls-del", f"altus-router-{router.id}"),
        "router": ("lr-del", own),
        "route": ("lr-route-del", own, "10.31.0.0/24"),
        "joint": ("lsp-del", f"{own}-by-{router.id}-joint"),
        "link": ("lrp-del", f"{own}-by-{router.id}"),
    }
    await sh("ovn-nbctl", *commands[damage])

    async def is_seen() -> bool:
        return (await lab.driver.truth()).routers.get(router.id) != router.words

    await until(is_seen, "it is seen")
    await lab.driver.ensure_router(router)
    await until(lambda: _is_whole(lab, router), "it is whole")
    await _meet(one, two)


async def _is_whole(lab: Lab, router: RouterSpec) -> bool:
    return (await lab.driver.truth()).routers == {router.id: router.words}


@pytest.mark.parametrize("daemon", ["ovn-controller", "ovn-nb", "ovn-sb", "ovs-vswitchd"])
async def test_networks_reach_each_other_again_after_a_daemon_was_killed(
    lab: Lab, services: Plain, daemon: str
) -> None:
    one, two = await _isolated(lab, 30, 31)
    await lab.router(one.network, two.network)
    await _meet(one, two)
    await asyncio.to_thread(services.kill, daemon)
    await asyncio.to_thread(services.start, ["ovn"])
    await one.reaches(two.port.address, 60)
    await _meet(one, two)
