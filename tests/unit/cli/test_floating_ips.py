"""Floating addresses on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Altus
from tests.unit.sdk.fake_manager import FakeManager


def _sent(manager: FakeManager) -> Any:
    (body,) = [json.loads(one.body) for one in manager.seen if one.method == "POST"]
    return {key: value for key, value in body.items() if value not in (None, "")}


@pytest.mark.parametrize(("words", "sent"), [
    (("web1",), {"vm": "web1"}),
    (("web1:52:54:00:00:00:01",), {"vm": "web1", "nic": "52:54:00:00:00:01"}),
], ids=["vm", "nic"])  # fmt: skip
def test_an_address_is_attached_to_a_vm_or_to_one_of_its_nics(
    altus: Altus, manager: FakeManager, words: tuple[str, ...], sent: dict[str, str]
) -> None:
    altus("floating-ip", "attach", "192.0.2.10", *words, "--plan")
    assert _sent(manager) == sent
    assert manager.seen[-1].path.endswith("/floating-ips/192.0.2.10/attach")


def test_a_certain_address_can_be_asked_for(altus: Altus, manager: FakeManager) -> None:
    altus("floating-ip", "create", "--network", "lan", "--address", "192.0.2.10", "--plan")
    assert _sent(manager) == {"network": "lan", "address": "192.0.2.10", "label": "open"}
