"""Options of a migration on the command line, and how one is told of."""

from __future__ import annotations

import json

import pytest

from altus.cli.commands.vm_layout import moved
from altus.model.migration import MigrationFacts, MigrationMode, MigrationOptions
from tests.unit.cli.conftest import Altus
from tests.unit.sdk.fake_manager import FakeManager


def test_options_are_sent_as_they_are_written(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    altus("vm", "migrate", "web1", "--host", "h2", "--storage", "s2", "--bandwidth", "200", "--downtime", "50",
          "--mode", "post-copy", "--plan")  # fmt: skip
    (asked,) = [json.loads(one.body) for one in manager.seen if one.path.endswith("/migrate")]
    assert asked == {"host": "h2", "storage": "s2", "bandwidth": 200, "downtime": 50, "mode": "post-copy"}


@pytest.mark.parametrize("words", [
    ("--bandwidth", "0"), ("--bandwidth", "-5"), ("--bandwidth", "100001"), ("--downtime", "0"), ("--downtime", "x"),
    ("--downtime", "30001"), ("--mode", "fast"),
], ids=" ".join)  # fmt: skip
def test_what_makes_no_sense_is_not_sent(altus: Altus, manager: FakeManager, words: tuple[str, ...]) -> None:
    altus("vm", "migrate", "web1", *words, code=2)
    assert manager.seen == []


def test_a_migration_is_told_with_what_was_asked_for() -> None:
    options = MigrationOptions(bandwidth=8, downtime=50)
    facts = MigrationFacts(seconds=32.31, downtime=0.218, bytes_sent=150 << 20, mode=MigrationMode.AUTO_CONVERGE,
                           throttle=40, dirty_rate=20 << 20, options=options)  # fmt: skip
    assert moved(facts) == (
        "Moved in 32.3 s (auto-converge, slowed down by up to 40 %), in which the guest stood still for 0.218 s; "
        "150 MiB were sent. Its guest changed up to 20 MiB a second. Asked for: auto, at most 8 MiB a second, 50 ms."
    )


def test_of_what_nobody_measured_nothing_is_told() -> None:
    assert moved(None) == moved(MigrationFacts()) == ""
