"""Port forwards on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Altus
from tests.unit.sdk.fake_manager import FakeManager


def _sent(manager: FakeManager) -> Any:
    (body,) = [json.loads(one.body) for one in manager.seen if one.method == "POST"]
    return {key: value for key, value in body.items() if value is not None}


def test_a_forward_is_sent_as_it_is_written(altus: Altus, manager: FakeManager) -> None:
    altus("forward", "create", "--network", "lan", "--port", "8022", "--to", "web1:22", "--plan")
    assert _sent(manager) == {"network": "lan", "port": 8022, "vm": "web1", "to_port": 22, "protocol": "tcp",
                              "label": "open"}  # fmt: skip


def test_a_forward_names_a_nic_and_a_floating_address(altus: Altus, manager: FakeManager) -> None:
    altus("forward", "create", "--network", "lan", "--port", "53", "--protocol", "udp", "--address", "192.0.2.10",
          "--to", "dns:52:54:00:00:00:01:53", "--plan")  # fmt: skip
    sent = _sent(manager)
    assert (sent["vm"], sent["nic"], sent["to_port"]) == ("dns", "52:54:00:00:00:01", 53)
    assert (sent["protocol"], sent["address"]) == ("udp", "192.0.2.10")


@pytest.mark.parametrize("words", [
    ("--to", "web1"), ("--to", ":22"), ("--to", "web1:ssh"), ("--to", "web1:0"), ("--to", "web1:22", "--port", "0"),
    ("--to", "web1:22", "--protocol", "icmp"),
], ids=" ".join)  # fmt: skip
def test_what_makes_no_sense_is_not_sent(altus: Altus, manager: FakeManager, words: tuple[str, ...]) -> None:
    altus("forward", "create", "--network", "lan", "--port", "8022", *words, code=2)
    assert manager.seen == []
