"""Disks and NICs of VMs on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from altus.common.units import MIB
from tests.unit.cli.conftest import Altus
from tests.unit.sdk.fake_manager import FakeManager


def _sent(manager: FakeManager) -> Any:
    (body,) = [json.loads(one.body) for one in manager.seen if one.method == "PATCH"]
    return body


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("read-iops=500", {"read_iops": {"rate": 500}}),
        ("total-bytes=50M/200M/10", {"total_bytes": {"rate": 50 * MIB, "burst": 200 * MIB, "seconds": 10}}),
    ],
)
def test_a_limit_of_a_disk_is_sent(altus: Altus, manager: FakeManager, text: str, limit: dict[str, Any]) -> None:
    manager.add_vm("web1")
    altus("vm", "disk", "edit", "web1", "data", "--limit", text, "--plan")
    assert _sent(manager) == {"limits": limit}


def test_all_limits_are_taken_away(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    altus("vm", "disk", "edit", "web1", "data", "--no-limits", "--plan")
    assert _sent(manager) == {"limits": {}}


@pytest.mark.parametrize(
    "words",
    [(), ("--limit", "speed=5"), ("--limit", "read-iops"), ("--limit", "read-iops=1/2/3/4"), ("--limit", "read-iops=x"),
     ("--limit", "read-iops=5/4"), ("--limit", "read-iops=5", "--no-limits")],
    ids=" ".join,
)  # fmt: skip
def test_a_limit_of_a_disk_that_is_none_is_not_sent(altus: Altus, manager: FakeManager, words: tuple[str, ...]) -> None:
    altus("vm", "disk", "edit", "web1", "data", *words, code=2)
    assert manager.seen == []


def test_a_nic_is_unlinked_changed_and_moved(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    altus("vm", "nic", "edit", "web1", "52:54:00:00:00:01", "--link", "down", "--model", "e1000e", "--network",
          "dmz=10.9.0.4", "--plan")  # fmt: skip
    assert _sent(manager) == {"link": "down", "model": "e1000e", "network": "dmz", "address": "10.9.0.4"}
