"""Security groups by packets: what is allowed arrives, what is not does not, and changes hold at once (row N3)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from altus.common.ids import new_id
from altus.model.network import NetworkKind
from altus.model.security_group import Direction, Protocol, RuleAction, SecurityRule
from devkit.services.declared import LOGS
from devkit.services.plain import Plain
from tests.functional.ovn.dial import Answer, Conversation, becomes, dial, listening
from tests.functional.ovn.lab import OUTSIDE, Guest, Lab, sh, until

pytestmark = pytest.mark.functional


def rule(direction: Direction = Direction.IN, **fields: object) -> SecurityRule:
    """A rule."""
    return SecurityRule(id=new_id(), direction=direction, **fields)  # type: ignore[arg-type]


def tcp(port: int, last: int | None = None, **fields: object) -> SecurityRule:
    """A rule about TCP to these ports."""
    return rule(**({"protocol": Protocol.TCP, "first_port": port, "last_port": last or port} | fields))  # type: ignore[arg-type]


async def _isolated(lab: Lab) -> tuple[Guest, Guest, Guest]:
    """Two NICs in a group, and one in none, on one network."""
    network, group = await lab.network("10.30.0.0/24", NetworkKind.ISOLATED), await lab.group()
    inside = await lab.guest(network, 2, group), await lab.guest(network, 3, group)
    return *inside, await lab.guest(network, 4)


async def test_members_talk_and_others_are_kept_out(lab: Lab) -> None:
    one, two, stranger = await _isolated(lab)
    other = await lab.guest(one.network, 5, await lab.group())
    async with listening(one, one.port.address, 80), listening(stranger, stranger.port.address, 80):
        await becomes(two, one.port.address, 80, Answer.CONNECTED)
        assert await dial(stranger, one.port.address, 80) is Answer.SILENT
        assert await dial(other, one.port.address, 80) is Answer.SILENT
        assert not await stranger.pings(one.port.address)
        assert await dial(one, stranger.port.address, 80) is Answer.CONNECTED  # and the answers come back
        assert await one.pings(stranger.port.address)
        assert await dial(other, stranger.port.address, 80) is Answer.CONNECTED
        assert await dial(one, other.port.address, 80) is Answer.SILENT


async def test_rules_open_what_they_say_and_nothing_else(lab: Lab) -> None:
    one, two, stranger = await _isolated(lab)
    group = lab.groups[0]
    friend = await lab.group()
    near = await lab.guest(one.network, 9, friend)
    rules = (
        tcp(80, 82, cidr=f"{stranger.port.address}/32"),
        tcp(443, remote_group_id=friend.id),
        rule(protocol=Protocol.ICMP, icmp_type=8, cidr=f"{near.port.address}/32"),
    )
    await lab.driver.ensure_security_group(replace(group, rules=rules))
    async with listening(one, one.port.address, 79, 80, 82, 83, 443):
        await becomes(stranger, one.port.address, 80, Answer.CONNECTED)
        answers = {port: await dial(stranger, one.port.address, port) for port in (79, 80, 82, 83, 443)}
        open_ports = {port for port, answer in answers.items() if answer is Answer.CONNECTED}
        assert open_ports == {80, 82}
        assert not await stranger.pings(one.port.address)
        assert await near.pings(one.port.address)
        assert await dial(near, one.port.address, 443) is Answer.CONNECTED
        assert await dial(near, one.port.address, 80) is Answer.SILENT
        assert await two.pings(one.port.address)


async def test_the_highest_priority_decides_and_drop_is_strongest_among_equals(lab: Lab) -> None:
    one, _, stranger = await _isolated(lab)
    address = f"{stranger.port.address}/32"
    rules = (
        tcp(80, action=RuleAction.DROP, priority=100),
        tcp(80, cidr=address, priority=101),
        tcp(81, priority=100),
        tcp(81, cidr=address, action=RuleAction.REJECT, priority=101),
        tcp(82, priority=100),
        tcp(82, 83, action=RuleAction.REJECT, priority=100),
        tcp(82, 84, action=RuleAction.DROP, cidr=address, priority=100),
        tcp(85, cidr=address, priority=500),
    )
    await lab.driver.ensure_security_group(replace(lab.groups[0], rules=rules))
    wanted = {80: Answer.CONNECTED, 81: Answer.REFUSED, 82: Answer.SILENT, 83: Answer.SILENT, 85: Answer.CONNECTED}
    async with listening(one, one.port.address, *wanted):
        await becomes(stranger, one.port.address, 85, Answer.CONNECTED)
        assert {port: await dial(stranger, one.port.address, port) for port in wanted} == wanted


async def test_what_members_send_is_held_to_rules_too(lab: Lab) -> None:
    one, two, stranger = await _isolated(lab)
    everything = rule(Direction.OUT, action=RuleAction.REJECT, priority=1)
    allowed = tcp(80, direction=Direction.OUT, cidr=f"{stranger.port.address}/32")
    await lab.driver.ensure_security_group(replace(lab.groups[0], rules=(everything, allowed)))
    async with listening(stranger, stranger.port.address, 80, 81), listening(two, two.port.address, 80):
        await becomes(one, stranger.port.address, 81, Answer.REFUSED)
        assert await dial(one, stranger.port.address, 80) is Answer.CONNECTED
        assert await dial(one, two.port.address, 80) is Answer.REFUSED


async def test_an_address_is_had_by_dhcp_whatever_the_rules(lab: Lab) -> None:
    network = await lab.network("10.30.0.0/24", NetworkKind.ISOLATED)
    group = await lab.group(rule(Direction.OUT, action=RuleAction.DROP, priority=500))
    guest = await lab.guest(network, 7, group, configured=False)
    script = Path(f"/run/{guest.name}.sh")
    script.write_text('#!/bin/sh\n[ "$1" = bound ] && ip address add "$ip/$mask" dev eth0\nexit 0\n')
    script.chmod(0o755)
    await guest.run("busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-t", "10", "-T", "1", "-s", str(script))
    assert guest.port.address in (await guest.run("ip", "-4", "address", "show", "eth0"))[1]


async def test_changes_hold_for_connections_that_are_there(lab: Lab) -> None:
    one, _, stranger = await _isolated(lab)
    group = replace(lab.groups[0], rules=(tcp(80),))
    await lab.driver.ensure_security_group(group)
    async with listening(one, one.port.address, 80):
        await becomes(stranger, one.port.address, 80, Answer.CONNECTED)
        talk = await Conversation.begin(stranger, one.port.address, 80)
        assert await talk.says(b"hello")
        await lab.driver.ensure_security_group(replace(group, rules=(*group.rules, tcp(81))))
        await becomes(stranger, one.port.address, 81, Answer.REFUSED)  # it is let through: nobody listens there
        assert await talk.says(b"still there")
        await lab.driver.ensure_security_group(replace(group, rules=()))

        async def cut() -> bool:
            return not await talk.says(b"?")

        await until(cut, "the connection is cut")
        talk.end()
        assert await dial(stranger, one.port.address, 80) is Answer.SILENT


async def test_a_nic_joins_and_leaves_while_it_speaks(lab: Lab) -> None:
    one, two, stranger = await _isolated(lab)
    async with listening(one, one.port.address, 80):
        await becomes(two, one.port.address, 80, Answer.CONNECTED)
        await lab.driver.ensure_port(replace(stranger.port, security_groups=one.port.security_groups))
        await becomes(stranger, one.port.address, 80, Answer.CONNECTED)
        await lab.driver.ensure_port(stranger.port)
        await becomes(stranger, one.port.address, 80, Answer.SILENT)
        await lab.driver.ensure_port(replace(one.port, security_groups=()))
        await becomes(stranger, one.port.address, 80, Answer.CONNECTED)


async def test_a_remote_group_follows_its_members(lab: Lab) -> None:
    network, clients = await lab.network("10.30.0.0/24", NetworkKind.ISOLATED), await lab.group()
    server = await lab.guest(network, 2, await lab.group(tcp(80, remote_group_id=clients.id)))
    client = await lab.guest(network, 3)
    async with listening(server, server.port.address, 80):
        assert await dial(client, server.port.address, 80) is Answer.SILENT
        await lab.driver.ensure_port(replace(client.port, security_groups=(clients.id,)))
        await becomes(client, server.port.address, 80, Answer.CONNECTED)
        await lab.driver.ensure_port(client.port)
        await becomes(client, server.port.address, 80, Answer.SILENT)


async def test_a_member_on_a_nat_network_gets_answers_from_outside_and_nothing_else(lab: Lab) -> None:
    outside, network = await lab.outside(), await lab.network("10.20.0.0/24")
    member = await lab.guest(network, 2, await lab.group())
    async with listening(outside, str(OUTSIDE.ip), 80), listening(member, member.port.address, 80):
        await becomes(member, str(OUTSIDE.ip), 80, Answer.CONNECTED)
        assert await member.pings(str(OUTSIDE.ip))
        here = await lab.guest(network, 3)
        assert await dial(here, member.port.address, 80) is Answer.SILENT


async def test_what_is_logged_is_logged_at_a_limited_rate(lab: Lab) -> None:
    one, _, stranger = await _isolated(lab)
    logged = rule(protocol=Protocol.UDP, action=RuleAction.DROP, log=True)
    await lab.driver.ensure_security_group(replace(lab.groups[0], rules=(logged, tcp(80))))
    async with listening(one, one.port.address, 80):
        await becomes(stranger, one.port.address, 80, Answer.CONNECTED)
    log = LOGS / "ovn-controller.log"

    def lines() -> int:
        return sum(logged.id in line for line in log.read_text().splitlines())

    flood = stranger.socket(2, 2)
    began = time.monotonic()
    while time.monotonic() - began < 2:
        flood.sendto(b"x", (one.port.address, 9))
        await asyncio.sleep(0.001)
    flood.close()

    async def told() -> bool:
        return lines() > 0

    await until(told, "something is logged")
    assert lines() < 100


@pytest.mark.parametrize("daemon", ["ovn-controller", "ovn-northd", "ovn-nb", "ovn-sb"])
async def test_filtering_goes_on_while_a_daemon_is_away(lab: Lab, services: Plain, daemon: str) -> None:
    one, two, stranger = await _isolated(lab)
    async with listening(one, one.port.address, 80):
        await becomes(two, one.port.address, 80, Answer.CONNECTED)
        await asyncio.to_thread(services.kill, daemon)
        assert await dial(two, one.port.address, 80) is Answer.CONNECTED
        assert await dial(stranger, one.port.address, 80) is Answer.SILENT
        await asyncio.to_thread(services.start, [daemon])
        assert await dial(stranger, one.port.address, 80) is Answer.SILENT

        async def opened() -> bool:
            await lab.driver.ensure_security_group(replace(lab.groups[0], rules=(tcp(80),)))
            return True

        await until(opened, "the driver writes again")
        await becomes(stranger, one.port.address, 80, Answer.CONNECTED)


async def test_rules_that_others_deleted_are_noticed_and_put_right(lab: Lab) -> None:
    one, two, stranger = await _isolated(lab)
    group = replace(lab.groups[0], rules=(tcp(80),))
    await lab.driver.ensure_security_group(group)
    name = f"altus_{group.id.replace('-', '_')}"
    async with listening(one, one.port.address, 80, 81):
        await becomes(stranger, one.port.address, 80, Answer.CONNECTED)
        before = await lab.driver.sign()
        await sh("ovn-nbctl", "acl-del", name)

        async def spoiled() -> bool:
            return (await lab.driver.truth()).security_groups[group.id] == ""

        await until(spoiled, "the driver notices")
        assert await lab.driver.sign() != before
        await lab.driver.ensure_security_group(group)
        assert (await lab.driver.truth()).security_groups == {group.id: group.digest}
        await becomes(stranger, one.port.address, 81, Answer.SILENT)
        await sh("ovn-nbctl", "pg-del", name)

        async def gone() -> bool:
            return (await lab.driver.truth()).security_groups == {}

        await until(gone, "the driver notices")
        await lab.driver.ensure_security_group(group)
        members = (await lab.driver.truth()).memberships
        assert members == {one.port.id: [group.id], two.port.id: [group.id]}
        await becomes(stranger, one.port.address, 81, Answer.SILENT)
        await becomes(stranger, one.port.address, 80, Answer.CONNECTED)
