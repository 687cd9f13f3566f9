"""What becomes of a packet in networks that are only remembered: the meaning of rules, without any engine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from altus.model.network_trace import Default, Outcome, PacketSpec, TraceDecision, TraceFacts
from altus.model.security_group import Direction, Protocol, RuleAction, SecurityGroupSpec, SecurityRule

_RANKS = {RuleAction.ALLOW: 0, RuleAction.REJECT: 1, RuleAction.DROP: 2}
_ECHO = 8
"""The ICMP type of a ping."""
_OUTCOMES = {RuleAction.REJECT: Outcome.REJECTED, RuleAction.DROP: Outcome.DROPPED}


@dataclass(frozen=True)
class _Vote:
    """What one rule says; the highest of all decides."""

    rank: tuple[int, int]
    action: RuleAction
    decision: TraceDecision


def trace(packet: PacketSpec, groups: Mapping[str, SecurityGroupSpec], members: Mapping[str, set[str]],
          addresses: Mapping[str, set[str]], *, routed: bool) -> TraceFacts:  # fmt: skip
    """`members` are the groups of ports, `addresses` those of members of groups; `routed`: the network has a router."""
    decisions = []
    for direction, port in ((Direction.OUT, packet.port_id), (Direction.IN, packet.to_port_id)):
        other = packet.to_address if direction is Direction.OUT else packet.address
        mine = [groups[group_id] for group_id in sorted(members.get(port, ())) if group_id in groups]
        votes = [vote for group in mine for vote in _votes(group, direction, packet, other, addresses)]
        if votes:
            best = max(votes, key=lambda vote: vote.rank)
            decisions.append(best.decision)
            if best.action in _OUTCOMES:
                return TraceFacts(outcome=_OUTCOMES[best.action], decisions=tuple(decisions))
    away = Outcome.LEAVES if routed else Outcome.DROPPED
    return TraceFacts(outcome=Outcome.ARRIVES if packet.to_port_id else away, decisions=tuple(decisions))


def _votes(group: SecurityGroupSpec, direction: Direction, packet: PacketSpec, other: str,
           addresses: Mapping[str, set[str]]) -> Iterable[_Vote]:  # fmt: skip
    def vote(rank: tuple[int, int], action: RuleAction, key: str) -> _Vote:
        return _Vote(rank, action, TraceDecision(direction=direction, group_id=group.id, key=key))

    for rule in group.rules:
        if rule.direction is direction and _matches(rule, packet, other, addresses):
            yield vote((rule.priority, _RANKS[rule.action]), rule.action, rule.id)
    if direction is Direction.OUT:
        yield vote((-1, 0), RuleAction.ALLOW, Default.OUT)
    else:
        yield vote((-1, 0), RuleAction.DROP, Default.IN)
        if other in addresses.get(group.id, ()):
            yield vote((0, 0), RuleAction.ALLOW, Default.MEMBERS)


def _matches(rule: SecurityRule, packet: PacketSpec, other: str, addresses: Mapping[str, set[str]]) -> bool:
    if rule.protocol not in (Protocol.ANY, packet.protocol):
        return False
    if rule.first_port is not None and not rule.first_port <= (packet.port or 0) <= (rule.last_port or 0):
        return False
    if rule.icmp_type not in (None, _ECHO):
        return False
    if rule.cidr:
        return ipaddress.ip_address(other) in ipaddress.ip_network(rule.cidr)
    return not rule.remote_group_id or other in addresses.get(rule.remote_group_id, ())
