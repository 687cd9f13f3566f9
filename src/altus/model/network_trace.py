"""Would a packet arrive, and what decides it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from altus.model.security_group import Direction, Protocol, RuleAction, SecurityGroup, SecurityRule


class Outcome(StrEnum):
    """What becomes of the packet: it gets to the NIC; it leaves its network by the network's router; somebody says no;
    it is gone without a word."""

    ARRIVES = "arrives"
    LEAVES = "leaves"
    REJECTED = "rejected"
    DROPPED = "dropped"


class Default(StrEnum):
    """What decides where no rule does."""

    MEMBERS = "members"
    DHCP = "dhcp"
    IN = "default-in"
    OUT = "default-out"


_SAID = {
    Default.MEMBERS: "members of the group talk with one another",
    Default.DHCP: "members may ask for an address",
    Default.IN: "no rule allows what members get",
    Default.OUT: "no rule forbids what members send",
}


@dataclass(frozen=True, kw_only=True)
class PacketSpec:
    """The first packet of a new connection, sent by a port: to the port `to_port_id` of the same network, or to another
    address. `port` is of TCP and UDP; ICMP is a ping."""

    network_id: str
    port_id: str
    mac: str
    address: str
    to_address: str
    to_port_id: str = ""
    to_mac: str = ""
    protocol: Protocol = Protocol.TCP
    port: int | None = None


@dataclass(frozen=True, kw_only=True)
class TraceDecision:
    """What a security group says to it. `key` is a rule's id or a `Default`."""

    direction: Direction
    group_id: str
    key: str


@dataclass(frozen=True, kw_only=True)
class TraceFacts:
    """How the packet fares. `decisions` are those that count: at most one for each direction, the sender's first; none
    where a NIC is in no group. `text` is what the engine wrote about it."""

    outcome: Outcome
    decisions: tuple[TraceDecision, ...] = ()
    text: str = ""


def rule_of(decision: TraceDecision, groups: Mapping[str, SecurityGroup]) -> SecurityRule | None:
    """The rule that decides; None where none does, or it is there no more. `groups` by id."""
    group = groups.get(decision.group_id)
    return next((rule for rule in group.rules if rule.id == decision.key), None) if group is not None else None


def action_of(decision: TraceDecision, groups: Mapping[str, SecurityGroup]) -> RuleAction:
    """What the decision does to the packet; `groups` by id."""
    if (rule := rule_of(decision, groups)) is not None:
        return rule.action
    return RuleAction.DROP if decision.key == Default.IN else RuleAction.ALLOW


def decided(decision: TraceDecision, groups: Mapping[str, SecurityGroup]) -> str:
    """A decision as a sentence; `groups` by id."""
    group = groups.get(decision.group_id)
    whose = "What it sends" if decision.direction is Direction.OUT else "What the other end gets"
    if group is None:
        return f"{whose} is held to security group {decision.group_id}."
    if (rule := rule_of(decision, groups)) is not None:
        return f"{whose}: {_VERBS[rule.action]} by rule {rule.id} ({rule}) of security group {group.name}."
    why = _SAID[Default(decision.key)] if decision.key in set(Default) else "a rule that is there no more"
    return f"{whose}: {_VERBS[action_of(decision, groups)]} in security group {group.name}: {why}."


_VERBS = {RuleAction.ALLOW: "allowed", RuleAction.DROP: "dropped", RuleAction.REJECT: "rejected"}
