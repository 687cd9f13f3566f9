"""Security groups on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from altus.cli.commands.security_group_layout import rule_line
from altus.model.security_group import Direction, RuleAction, SecurityRule
from tests.unit.cli.conftest import Altus
from tests.unit.sdk.fake_manager import FakeManager


def _sent(manager: FakeManager) -> Any:
    (body,) = [json.loads(one.body) for one in manager.seen if one.method == "PATCH"]
    return body


def test_a_rule_is_sent_as_it_is_written(altus: Altus, manager: FakeManager) -> None:
    altus("security-group", "rule", "add", "web", "in", "--protocol", "tcp", "--ports", "8000-8080", "--cidr",
          "10.0.0.0/8", "--action", "reject", "--priority", "7", "--log", "--plan")  # fmt: skip
    (rule,) = _sent(manager)["add_rules"]
    assert {key: value for key, value in rule.items() if value not in (None, "")} == {
        "direction": "in", "protocol": "tcp", "first_port": 8000, "last_port": 8080, "cidr": "10.0.0.0/8",
        "action": "reject", "priority": 7, "log": True,
    }  # fmt: skip


def test_one_port_is_a_range_of_one(altus: Altus, manager: FakeManager) -> None:
    altus("security-group", "rule", "add", "web", "out", "--protocol", "udp", "--ports", "53", "--plan")
    (rule,) = _sent(manager)["add_rules"]
    assert (rule["direction"], rule["first_port"], rule["last_port"]) == ("out", 53, 53)


@pytest.mark.parametrize("words", [
    ("sideways",), ("in", "--ports", "x"), ("in", "--ports", "5-"), ("in", "--ports", "-5"), ("in", "--priority", "0"),
    ("in", "--protocol", "sctp"),
], ids=" ".join)  # fmt: skip
def test_what_makes_no_sense_is_not_sent(altus: Altus, manager: FakeManager, words: tuple[str, ...]) -> None:
    altus("security-group", "rule", "add", "web", *words, code=2)
    assert manager.seen == []


def test_a_nic_is_put_into_groups_and_taken_out(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    altus(
        "vm", "nic", "edit", "web1", "52:54:00:00:00:01", "--security-group", "web", "--security-group", "db", "--plan"
    )
    assert _sent(manager) == {"security_groups": ["web", "db"]}
    manager.seen.clear()
    altus("vm", "nic", "edit", "web1", "52:54:00:00:00:01", "--no-security-groups", "--plan")
    assert _sent(manager) == {"security_groups": []}
    altus("vm", "nic", "edit", "web1", "52:54:00:00:00:01", code=2)


@pytest.mark.parametrize(
    ("text", "limit"),
    [("50M", {"rate": 50_000}), ("2.5G/500k", {"rate": 2_500_000, "burst": 500}), ("0", {"rate": 0})],
)
def test_a_limit_is_sent_in_kilobits(altus: Altus, manager: FakeManager, text: str, limit: dict[str, int]) -> None:
    manager.add_vm("web1")
    altus("vm", "nic", "edit", "web1", "52:54:00:00:00:01", "--limit-out", text, "--plan")
    assert _sent(manager) == {"limit_out": limit}


@pytest.mark.parametrize("text", ["fast", "50", "50m", "-5M", "5M/", "/5M", "63k"])
def test_a_limit_that_is_none_is_not_sent(altus: Altus, manager: FakeManager, text: str) -> None:
    altus("vm", "nic", "edit", "web1", "52:54:00:00:00:01", f"--limit-in={text}", code=2)
    assert manager.seen == []


def test_a_nic_is_asked_for_with_an_address(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    altus("vm", "edit", "web1", "--add-network", "lan=10.20.0.9", "--add-network", "dmz", "--plan")
    assert _sent(manager) == {"add_nics": [{"network": "lan", "address": "10.20.0.9"}, {"network": "dmz"}]}


def test_a_rule_is_shown_with_all_that_decides() -> None:
    rule = SecurityRule(id="r", direction=Direction.OUT, action=RuleAction.DROP, cidr="10.0.0.0/8", log=True,
                        description="no way")  # fmt: skip
    assert rule_line(rule) == "r  100  drop out any to 10.0.0.0/8 (logged)  no way"
