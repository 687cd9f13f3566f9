"""What every network driver does with security groups, the fake included."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from altus.common.errors import Conflict, NotFound
from altus.common.ids import new_id
from altus.model.network import NetworkKind
from altus.model.security_group import Direction, Protocol, RuleAction, SecurityGroupSpec, SecurityRule
from tests.contract.network_rigs import Subject, port_of, refusal, spec


def rule(**fields: object) -> SecurityRule:
    """A rule, about what comes in if nothing else is said."""
    return SecurityRule(**({"id": new_id(), "direction": Direction.IN} | fields))  # type: ignore[arg-type]


def group_of(*rules: SecurityRule) -> SecurityGroupSpec:
    """A group with these rules."""
    return SecurityGroupSpec(id=new_id(), rules=rules)


def every_rule(remote: SecurityGroupSpec) -> list[SecurityRule]:
    """One of every form."""
    ports = {"first_port": 80, "last_port": 90}
    return [
        rule(),
        rule(direction=Direction.OUT, action=RuleAction.REJECT, priority=500),
        rule(protocol=Protocol.TCP, **ports, cidr="10.0.0.0/8"),
        rule(protocol=Protocol.UDP, first_port=53, last_port=53, cidr="2001:db8::/32", log=True),
        rule(protocol=Protocol.TCP, remote_group_id=remote.id, action=RuleAction.DROP, priority=1),
        rule(protocol=Protocol.ICMP),
        rule(protocol=Protocol.ICMP, icmp_type=8, log=True),
        rule(protocol=Protocol.ICMP, icmp_type=128, cidr="2001:db8::/32"),
        rule(protocol=Protocol.ICMP, cidr="0.0.0.0/0"),
        rule(cidr="::/0", direction=Direction.OUT),
    ]


async def test_a_group_can_be_asked_for_twice_and_deleted_twice(subject: Subject) -> None:
    remote = group_of()
    await subject.driver.ensure_security_group(remote)
    group = group_of(*every_rule(remote))
    for _ in range(2):
        await subject.driver.ensure_security_group(group)
        assert (await subject.driver.truth()).security_groups == {group.id: group.digest, remote.id: remote.digest}
    for _ in range(2):
        await subject.driver.delete_security_group(group.id)
        assert (await subject.driver.truth()).security_groups == {remote.id: remote.digest}


async def test_rules_come_and_go(subject: Subject) -> None:
    group, digests = group_of(), set()
    first, second = rule(protocol=Protocol.TCP), rule(protocol=Protocol.UDP, log=True)
    for rules in ((first,), (first, second), (second,), (replace(second, priority=7),), ()):
        changed = replace(group, rules=rules)
        await subject.driver.ensure_security_group(changed)
        digests.add((await subject.driver.truth()).security_groups[group.id])
        assert changed.digest in digests
    assert len(digests) == 5


async def test_what_is_said_about_rules_and_their_order_make_no_difference(subject: Subject) -> None:
    first, second = rule(), rule(protocol=Protocol.UDP)
    group = group_of(first, second)
    await subject.driver.ensure_security_group(group)
    same = replace(group, rules=(second, replace(first, description="for tests")))
    assert (await subject.driver.truth()).security_groups == {group.id: same.digest}


async def test_a_rule_names_a_group_that_is_there(subject: Subject) -> None:
    remote = group_of()
    group = group_of(rule(remote_group_id=remote.id))
    refused = subject.driver.ensure_security_group(group)
    assert await refusal(refused, NotFound) == "security_group.not_found"
    assert not (await subject.driver.truth()).security_groups
    await subject.driver.ensure_security_group(remote)
    await subject.driver.ensure_security_group(group)
    assert await refusal(subject.driver.delete_security_group(remote.id), Conflict) == "security_group.in_use"
    await subject.driver.ensure_security_group(replace(group, rules=()))
    await subject.driver.delete_security_group(remote.id)


async def test_a_group_may_name_itself(subject: Subject) -> None:
    group = group_of()
    itself = replace(group, rules=(rule(remote_group_id=group.id, action=RuleAction.DROP),))
    for _ in range(2):
        await subject.driver.ensure_security_group(itself)
    assert (await subject.driver.truth()).security_groups == {group.id: itself.digest}
    await subject.driver.delete_security_group(group.id)


async def test_ports_join_and_leave(subject: Subject) -> None:
    network, one, two = spec(kind=NetworkKind.ISOLATED), group_of(rule()), group_of()
    await subject.driver.ensure_network(network)
    for group in (one, two):
        await subject.driver.ensure_security_group(group)
    port = port_of(network, 2, one, two)
    for groups in ((one, two), (two,), (), (one,)):
        ids = tuple(group.id for group in groups)
        for _ in range(2):
            await subject.driver.ensure_port(replace(port, security_groups=ids))
        told = (await subject.driver.truth()).memberships
        assert told == ({port.id: sorted(ids)} if ids else {})
    await subject.driver.delete_port(port.id)
    assert (await subject.driver.truth()).memberships == {}
    await subject.driver.delete_security_group(one.id)


async def test_a_port_that_moves_stays_in_its_groups(subject: Subject) -> None:
    old, new, group = spec(), spec("10.21.0.0/24", NetworkKind.ISOLATED), group_of()
    for network in (old, new):
        await subject.driver.ensure_network(network)
    await subject.driver.ensure_security_group(group)
    port = port_of(old, 2, group)
    await subject.driver.ensure_port(port)
    await subject.driver.ensure_port(replace(port, network_id=new.id, address="10.21.0.2"))
    assert (await subject.driver.truth()).memberships == {port.id: [group.id]}


async def test_a_port_joins_a_group_that_is_there(subject: Subject) -> None:
    network, group = spec(), group_of()
    await subject.driver.ensure_network(network)
    port = port_of(network, 2, group)
    assert await refusal(subject.driver.ensure_port(port), NotFound) == "security_group.not_found"
    assert not (await subject.driver.truth()).ports
    await subject.driver.ensure_port(replace(port, security_groups=()))
    assert await refusal(subject.driver.ensure_port(port), NotFound) == "security_group.not_found"


async def test_a_group_with_members_is_not_deleted(subject: Subject) -> None:
    network, group = spec(), group_of()
    await subject.driver.ensure_network(network)
    await subject.driver.ensure_security_group(group)
    port = port_of(network, 2, group)
    await subject.driver.ensure_port(port)
    assert await refusal(subject.driver.delete_security_group(group.id), Conflict) == "security_group.in_use"
    assert (await subject.driver.truth()).memberships == {port.id: [group.id]}
    await subject.driver.delete_port(port.id)
    await subject.driver.delete_security_group(group.id)


async def test_changes_at_once_do_not_disturb_one_another(subject: Subject) -> None:
    network, groups = spec("10.20.0.0/16"), [group_of(rule()) for _ in range(8)]
    await subject.driver.ensure_network(network)
    await asyncio.gather(*(subject.driver.ensure_security_group(group) for group in groups))
    ports = [port_of(network, number, *groups[number % 3 : number % 3 + 3]) for number in range(2, 32)]
    changed = [replace(group, rules=(*group.rules, rule(protocol=Protocol.TCP))) for group in groups]
    await asyncio.gather(*(subject.driver.ensure_port(port) for port in ports),
                         *(subject.driver.ensure_security_group(group) for group in changed))  # fmt: skip
    told = await subject.driver.truth()
    assert told.security_groups == {group.id: group.digest for group in changed}
    assert told.memberships == {port.id: sorted(port.security_groups) for port in ports}
