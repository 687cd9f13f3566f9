"""Snapshots on the command line."""

from __future__ import annotations

from tests.unit.cli.conftest import Altus
from tests.unit.sdk import samples
from tests.unit.sdk.fake_manager import FakeManager


def test_the_tree_has_each_below_the_one_it_stands_on(altus: Altus, manager: FakeManager) -> None:
    root = samples.snapshot("root")
    left, right = samples.snapshot("left", root), samples.snapshot("right", root, current=True)
    tip = samples.snapshot("tip", left)
    manager.snapshots = [tip, right, left, root]
    names = [line.split("  ")[0] for line in altus("snapshot", "tree", "web1").stdout.splitlines()[1:]]
    assert names[0] == "root"
    rows = altus("snapshot", "tree", "web1").stdout.splitlines()[1:]
    assert [row[: row.index("ready")].rstrip() for row in rows] == ["root", "└─ left", "   └─ tip", "└─ right"]
    assert "yes" in rows[3]
    listed = altus.json("snapshot", "list", "web1")["items"]
    assert [one["name"] for one in listed] == ["tip", "right", "left", "root"]


def test_a_new_one_is_sent_as_it_is_written(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    altus("snapshot", "create", "web1", "before", "--description", "It works.", "--quiesce", "--plan")
    (request,) = manager.requests("POST", "/vms/web1/snapshots")
    assert request.json == {"name": "before", "description": "It works.", "quiesce": True}


def test_going_back_and_deleting_ask_first(altus: Altus, manager: FakeManager) -> None:
    for verb in ("revert", "delete"):
        altus("snapshot", verb, "web1", "before", code=2)
    assert manager.seen == []
