"""Rules of security groups: what makes no sense is refused, and what is said of them is what they do."""

from __future__ import annotations

from typing import Any

import pytest

from altus.common.errors import Conflict, InvalidInput, LimitExceeded
from altus.common.ids import new_id
from altus.model.security_group import (
    MAX_RULES,
    Direction,
    Protocol,
    RuleAction,
    SecurityGroupSpec,
    SecurityRule,
    check_rule,
    check_rules,
    find_loop,
)


def rule(**fields: Any) -> SecurityRule:
    return SecurityRule(**({"id": new_id(), "direction": Direction.IN} | fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"first_port": 80, "last_port": 80},
        {"protocol": Protocol.ICMP, "first_port": 80, "last_port": 80},
        {"protocol": Protocol.TCP, "first_port": 80},
        {"protocol": Protocol.TCP, "last_port": 80},
        {"protocol": Protocol.TCP, "first_port": 90, "last_port": 80},
        {"protocol": Protocol.TCP, "icmp_type": 8},
        {"icmp_type": 8},
        {"cidr": "10.0.0.0/8", "remote_group_id": "of-another"},
        {"cidr": "10.0.0.1/8"},
        {"cidr": "10.0.0.0/33"},
        {"cidr": "nonsense"},
        {"cidr": "2001:db8::1/32"},
        {"cidr": "10.0.0.0/8 || 1"},
    ],
    ids=str,
)
def test_a_rule_that_means_nothing_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as error:
        check_rule(rule(**fields))
    assert error.value.code == "security_group.rule_invalid"
    assert error.value.hint


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "allow in any from anywhere"),
        ({"direction": Direction.OUT, "action": RuleAction.REJECT, "cidr": "::/0"}, "reject out any to ::/0"),
        ({"protocol": Protocol.TCP, "first_port": 80, "last_port": 80}, "allow in tcp 80 from anywhere"),
        ({"protocol": Protocol.UDP, "first_port": 5, "last_port": 9, "cidr": "10.0.0.0/8"},
         "allow in udp 5-9 from 10.0.0.0/8"),
        ({"protocol": Protocol.ICMP, "icmp_type": 8, "remote_group_id": "g"}, "allow in icmp type 8 from group g"),
    ],
    ids=str,
)  # fmt: skip
def test_a_rule_says_what_it_does(fields: dict[str, Any], text: str) -> None:
    check_rule(rule(**fields))
    assert str(rule(**fields)) == text


def test_a_group_has_a_thousand_rules_and_no_more() -> None:
    rules = [rule(protocol=Protocol.TCP, first_port=n, last_port=n) for n in range(1, MAX_RULES + 1)]
    check_rules(rules)
    with pytest.raises(LimitExceeded):
        check_rules([*rules, rule()])


def test_the_same_rule_is_not_there_twice() -> None:
    check_rules([rule(), rule(priority=7), rule(action=RuleAction.DROP), rule(direction=Direction.OUT)])
    with pytest.raises(Conflict) as error:
        check_rules([rule(), rule(description="again")])
    assert error.value.code == "security_group.rule_twice"


def test_the_digest_tells_what_decides() -> None:
    one, two = rule(), rule(protocol=Protocol.UDP)
    spec = SecurityGroupSpec(id="g", rules=(one, two))
    assert SecurityGroupSpec(id="g", rules=(two, one)).digest == spec.digest
    assert len({spec.digest, SecurityGroupSpec(id="g").digest, SecurityGroupSpec(id="g", rules=(one,)).digest}) == 3


@pytest.mark.parametrize(
    ("names", "loop"),
    [
        ({}, ""),
        ({"a": "a"}, ""),
        ({"a": "b"}, ""),
        ({"a": "bc", "b": "d", "c": "d"}, ""),
        ({"b": "c", "c": "b", "a": "b"}, ""),
        ({"a": "b", "b": "a"}, "aba"),
        ({"a": "xb", "b": "c", "c": "a"}, "abca"),
    ],
    ids=str,
)
def test_loops_are_found(names: dict[str, str], loop: str) -> None:
    assert find_loop({group: frozenset(others) for group, others in names.items()}, "a") == list(loop)
