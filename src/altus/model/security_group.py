"""Security groups: who may speak with the NICs that are members of one, and with whom those may speak.

A NIC in one or more groups gets nothing but what their rules allow, what fellow members send, and answers; it may send
anything that no rule forbids. A NIC in no group is not filtered. Of rules that apply the one with the highest priority
decides, whichever group it is of; among equal ones `drop` is stronger than `reject`, and `reject` than `allow`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from altus.common.errors import Conflict, InvalidInput, LimitExceeded
from altus.model.resource import Resource

MAX_RULES = 1000
"""Of one group."""
MAX_GROUPS = 8
"""Of one NIC."""
MAX_PRIORITY = 500
DEFAULT_PRIORITY = 100


class SecurityGroupState(StrEnum):
    """A group takes members only when ready."""

    CREATING = "creating"
    READY = "ready"
    DELETING = "deleting"
    FAILED = "failed"


class Direction(StrEnum):
    """As the VM sees it: `in` is what it gets, `out` what it sends."""

    IN = "in"
    OUT = "out"


class Protocol(StrEnum):
    """`icmp` is ICMPv6 where the rule is about IPv6 addresses."""

    ANY = "any"
    TCP = "tcp"
    UDP = "udp"
    ICMP = "icmp"


class RuleAction(StrEnum):
    """`allow` also lets the answers through; `drop` is silent, `reject` tells the sender."""

    ALLOW = "allow"
    DROP = "drop"
    REJECT = "reject"


@dataclass(frozen=True, kw_only=True)
class SecurityRule:
    """What is not said applies to all. `cidr` (IPv4 or IPv6) or `remote_group_id` is the other end; of a group it is
    the addresses of its members. Ports are those of the receiver, `first_port` to `last_port`. `log`: the host writes
    down what it applies to, at a limited rate."""

    id: str
    direction: Direction
    action: RuleAction = RuleAction.ALLOW
    protocol: Protocol = Protocol.ANY
    first_port: int | None = None
    last_port: int | None = None
    icmp_type: int | None = None
    cidr: str = ""
    remote_group_id: str = ""
    priority: int = DEFAULT_PRIORITY
    log: bool = False
    description: str = ""

    def __str__(self) -> str:
        """Such as "allow in tcp 80-90 from 10.0.0.0/8"."""
        words: list[str] = [self.action, self.direction, self.protocol]
        if self.first_port is not None:
            last = f"-{self.last_port}" if self.last_port != self.first_port else ""
            words.append(f"{self.first_port}{last}")
        if self.icmp_type is not None:
            words.append(f"type {self.icmp_type}")
        other = self.cidr or (f"group {self.remote_group_id}" if self.remote_group_id else "anywhere")
        return " ".join([*words, "from" if self.direction is Direction.IN else "to", other])


@dataclass(frozen=True, kw_only=True)
class SecurityGroupSpec:
    """What the network driver needs to know."""

    id: str
    rules: tuple[SecurityRule, ...] = ()

    @property
    def remote_ids(self) -> frozenset[str]:
        """Other groups that its rules name."""
        return frozenset(rule.remote_group_id for rule in self.rules) - {"", self.id}

    @property
    def digest(self) -> str:
        """The same for the same rules, whatever is said about them and in whichever order."""
        told = sorted(({**asdict(rule), "description": ""} for rule in self.rules), key=lambda rule: str(rule["id"]))
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class SecurityGroup(Resource):
    """A named set of rules; its members are NICs that name it."""

    state: SecurityGroupState = SecurityGroupState.CREATING
    description: str = ""
    rules: tuple[SecurityRule, ...] = ()

    @property
    def spec(self) -> SecurityGroupSpec:
        """The driver's view of it."""
        return SecurityGroupSpec(id=self.id, rules=self.rules)


def check_rule(rule: SecurityRule) -> None:
    """`InvalidInput` (`security_group.rule_invalid`) for a rule that means nothing."""
    if (rule.first_port is None) != (rule.last_port is None):
        raise _invalid("A range of ports needs both its ends.")
    if rule.first_port is not None and rule.protocol not in (Protocol.TCP, Protocol.UDP):
        raise _invalid(f"Ports are of tcp and udp, not of {rule.protocol}.")
    if rule.first_port is not None and rule.last_port is not None and rule.first_port > rule.last_port:
        raise _invalid(f"The ports {rule.first_port}-{rule.last_port} end before they begin.")
    if rule.icmp_type is not None and rule.protocol is not Protocol.ICMP:
        raise _invalid(f"An ICMP type is of icmp, not of {rule.protocol}.")
    if rule.cidr and rule.remote_group_id:
        raise _invalid("The other end is either addresses or a group.")
    if rule.cidr:
        try:
            ipaddress.ip_network(rule.cidr)
        except ValueError as error:
            raise _invalid(f"{rule.cidr[:64]!r} is no network: {error}.") from error


def _invalid(why: str) -> InvalidInput:
    return InvalidInput(why, code="security_group.rule_invalid",
                        hint="Write rules like: allow in tcp 80-90 from 10.0.0.0/8.")  # fmt: skip


def check_rules(rules: Sequence[SecurityRule]) -> None:
    """All rules of a group. `LimitExceeded` (`security_group.too_many_rules`), `Conflict`
    (`security_group.rule_twice`) and what `check_rule` raises."""
    if len(rules) > MAX_RULES:
        raise LimitExceeded(f"A security group has at most {MAX_RULES} rules.", code="security_group.too_many_rules",
                            hint="Use larger networks or several groups.")  # fmt: skip
    seen: dict[str, SecurityRule] = {}
    for rule in rules:
        check_rule(rule)
        meaning = f"{rule} {rule.priority}"
        if meaning in seen:
            raise Conflict(f"The rule {rule} is there already.", code="security_group.rule_twice",
                           hint="Leave it out, or give it another priority.")  # fmt: skip
        seen[meaning] = rule


def find_loop(remotes: Mapping[str, frozenset[str]], start: str) -> list[str]:
    """A way by which a group names itself through others, from `start` to `start`; empty if there is none. `remotes`
    are the groups that each one's rules name."""
    came_from: dict[str, str] = {}
    waiting = [start]
    while waiting:
        here = waiting.pop()
        for there in sorted(remotes.get(here, frozenset())):
            if there == start and here != start:
                way = [start]
                while here != start:
                    way.append(here)
                    here = came_from[here]
                return [start, *reversed(way)]
            if there not in came_from and there != start:
                came_from[there] = here
                waiting.append(there)
    return []
