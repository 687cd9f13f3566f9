"""What every network driver says would become of a packet, the fake included."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from altus.common.errors import NotFound
from altus.common.ids import new_id
from altus.model.network import NetworkKind, NetworkSpec, PortSpec
from altus.model.network_trace import Default, Outcome, PacketSpec, TraceFacts
from altus.model.security_group import Direction, Protocol, RuleAction, SecurityGroupSpec, SecurityRule
from tests.contract.network_rigs import Subject, port_of, refusal, spec


def packet(sender: PortSpec, receiver: PortSpec, port: int | None = 80) -> PacketSpec:
    """TCP to this port, or a ping."""
    return PacketSpec(network_id=sender.network_id, port_id=sender.id, mac=sender.mac, address=sender.address,
                      to_port_id=receiver.id, to_mac=receiver.mac, to_address=receiver.address, port=port,
                      protocol=Protocol.TCP if port else Protocol.ICMP)  # fmt: skip


def rule(direction: Direction = Direction.IN, **fields: object) -> SecurityRule:
    """A rule."""
    return SecurityRule(id=new_id(), direction=direction, **fields)  # type: ignore[arg-type]


def tcp(first: int, last: int, **fields: object) -> SecurityRule:
    """About these ports."""
    return rule(protocol=Protocol.TCP, first_port=first, last_port=last, **fields)  # type: ignore[arg-type]


async def becomes(subject: Subject, sent: PacketSpec, outcome: Outcome, *keys: str) -> TraceFacts:
    """Ask until the answer is this one: engines take up changes soon, not at once."""
    told = await subject.driver.trace(sent)
    until = time.monotonic() + 60
    while (told.outcome, *(one.key for one in told.decisions)) != (outcome, *keys):
        assert time.monotonic() < until, told
        told = await subject.driver.trace(sent)
    return told


async def network_of(subject: Subject, kind: NetworkKind = NetworkKind.ISOLATED) -> NetworkSpec:
    """A new one."""
    made = spec(kind=kind)
    await subject.driver.ensure_network(made)
    return made


async def group_of(subject: Subject, *rules: SecurityRule) -> SecurityGroupSpec:
    """A new one."""
    made = SecurityGroupSpec(id=new_id(), rules=rules)
    await subject.driver.ensure_security_group(made)
    return made


async def test_without_groups_it_arrives_and_nothing_decides(subject: Subject) -> None:
    network = await network_of(subject)
    one, two = port_of(network, 2), port_of(network, 3)
    for port in (one, two):
        await subject.driver.ensure_port(port)
    await becomes(subject, packet(one, two), Outcome.ARRIVES)
    await becomes(subject, packet(two, one, None), Outcome.ARRIVES)


async def test_members_arrive_and_others_do_not(subject: Subject) -> None:
    network, group = await network_of(subject), await group_of(subject)
    one, two, stranger = port_of(network, 2, group), port_of(network, 3, group), port_of(network, 4)
    for port in (one, two, stranger):
        await subject.driver.ensure_port(port)
    await becomes(subject, packet(one, two), Outcome.ARRIVES, Default.OUT, Default.MEMBERS)
    await becomes(subject, packet(one, stranger), Outcome.ARRIVES, Default.OUT)
    told = await becomes(subject, packet(stranger, one), Outcome.DROPPED, Default.IN)
    (decision,) = told.decisions
    assert (decision.direction, decision.group_id) == (Direction.IN, group.id)


async def test_the_rule_that_decides_is_named(subject: Subject) -> None:
    network = await network_of(subject)
    web, ping = tcp(80, 90), rule(protocol=Protocol.ICMP, icmp_type=8, cidr="10.20.0.0/24")
    no = tcp(85, 85, action=RuleAction.REJECT, priority=200)
    never = tcp(86, 86, action=RuleAction.DROP)
    out = rule(Direction.OUT, action=RuleAction.DROP, cidr="10.20.0.4/32", priority=7)
    group = await group_of(subject, web, ping, no, never, out)
    member, stranger = port_of(network, 2, group), port_of(network, 4)
    for port in (member, stranger):
        await subject.driver.ensure_port(port)
    await becomes(subject, packet(stranger, member), Outcome.ARRIVES, web.id)
    await becomes(subject, packet(stranger, member, 8), Outcome.DROPPED, Default.IN)
    await becomes(subject, packet(stranger, member, 85), Outcome.REJECTED, no.id)
    await becomes(subject, packet(stranger, member, 86), Outcome.DROPPED, never.id)
    await becomes(subject, packet(stranger, member, None), Outcome.ARRIVES, ping.id)
    await becomes(subject, packet(member, stranger), Outcome.DROPPED, out.id)


async def test_a_remote_group_decides(subject: Subject) -> None:
    network, clients = await network_of(subject), await group_of(subject)
    allowed = rule(remote_group_id=clients.id)
    server, client = port_of(network, 2, await group_of(subject, allowed)), port_of(network, 3, clients)
    for port in (server, client):
        await subject.driver.ensure_port(port)
    await becomes(subject, packet(client, server), Outcome.ARRIVES, Default.OUT, allowed.id)
    await subject.driver.ensure_port(replace(client, security_groups=()))
    await becomes(subject, packet(client, server), Outcome.DROPPED, Default.IN)


@pytest.mark.parametrize(("kind", "outcome"), [(NetworkKind.NAT, Outcome.LEAVES),
                                               (NetworkKind.ISOLATED, Outcome.DROPPED)])  # fmt: skip
async def test_what_goes_elsewhere_leaves_where_there_is_a_way_out(
    subject: Subject, kind: NetworkKind, outcome: Outcome
) -> None:
    network = await network_of(subject, kind)
    port = port_of(network)
    await subject.driver.ensure_port(port)
    away = replace(packet(port, port), to_port_id="", to_mac="", to_address="198.51.100.1")
    await becomes(subject, away, outcome)
    group = await group_of(subject, rule(Direction.OUT, action=RuleAction.REJECT))
    await subject.driver.ensure_port(replace(port, security_groups=(group.id,)))
    await becomes(subject, away, Outcome.REJECTED, group.rules[0].id)


async def test_an_unknown_port_or_network_is_not_found(subject: Subject) -> None:
    network = await network_of(subject)
    one, two = port_of(network, 2), port_of(network, 3)
    await subject.driver.ensure_port(one)
    assert await refusal(subject.driver.trace(packet(one, two)), NotFound) == "port.not_found"
    foreign = replace(packet(one, one), network_id=new_id())
    assert await refusal(subject.driver.trace(foreign), NotFound) == "network.not_found"
