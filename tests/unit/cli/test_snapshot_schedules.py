"""Snapshot schedules on the command line."""

from __future__ import annotations

from typing import Any

from tests.unit.cli.conftest import Altus
from tests.unit.sdk import samples
from tests.unit.sdk.fake_manager import FakeManager

NONE = {"last": 0, "hourly": 0, "daily": 0, "weekly": 0, "monthly": 0}


def _result(name: str, **fields: Any) -> dict[str, Any]:
    return {"vm_id": name, "vm_name": name, "snapshot": "", "deleted": [], "waiting": [], "why": "", "errors": [],
            **fields}  # fmt: skip


def test_a_new_one_is_sent_as_it_is_written(altus: Altus, manager: FakeManager) -> None:
    altus("snapshot-schedule", "create", "nightly", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin", "--tag",
          "production", "--vm", "web1", "--vm", "db1", "--keep-daily", "7", "--keep-weekly", "4", "--quiesce",
          "--plan")  # fmt: skip
    (request,) = manager.requests("POST", "/snapshot-schedules")
    sent = request.json
    assert sent["keep"] == NONE | {"daily": 7, "weekly": 4}
    assert (sent["cron"], sent["timezone"], sent["tags"]) == ("30 2 * * *", "Europe/Berlin", ["production"])
    assert (sent["vms"], sent["quiesce"], sent["enabled"]) == (["web1", "db1"], True, True)


def test_only_what_is_given_is_changed(altus: Altus, manager: FakeManager) -> None:
    for words, sent in (
        (("edit", "nightly", "--keep-last", "3"), {"keep": NONE | {"last": 3}}),
        (("edit", "nightly", "--no-vms", "--tag", "x"), {"vms": [], "tags": ["x"]}),
        (("edit", "nightly", "--no-quiesce"), {"quiesce": False}),
        (("enable", "nightly"), {"enabled": True}),
        (("disable", "nightly"), {"enabled": False}),
    ):
        manager.seen.clear()
        altus("snapshot-schedule", *words, "--plan")
        (request,) = manager.requests("PATCH", "/snapshot-schedules/nightly")
        assert request.json == sent
    altus("snapshot-schedule", "edit", "nightly", code=2)


def test_the_last_run_is_shown_for_each_vm(altus: Altus, manager: FakeManager) -> None:
    results = [
        _result("web1", snapshot="nightly-1", deleted=["nightly-0"]),
        _result("web2", snapshot="nightly-2", waiting=["nightly-0"], why="VM web2 is running."),
        _result("web3", errors=["The disk is full."]),
    ]
    run = {"task_id": "t1", "due_at": samples.AT, "ended_at": samples.AT, "results": results, "error": ""}
    skipped = {"due_at": samples.AT, "reason": "The run before was not done."}
    manager.snapshot_schedules = [samples.snapshot_schedule("nightly", last_run=run, skipped=skipped),
                                  samples.snapshot_schedule("idle", enabled=False, next_at=None)]  # fmt: skip
    shown = altus("snapshot-schedule", "show", "nightly").stdout
    for text in ("web1  nightly-1; deleted: nightly-0", "web3  no snapshot; The disk is full.",
                 "web2  nightly-2; to be deleted later: nightly-0 (VM web2 is running.)",
                 "The run before was not done.", "7 daily, 4 weekly"):  # fmt: skip
        assert text in shown
    listed = altus("snapshot-schedule", "list").stdout
    assert "failed for 1 of 3 VMs" in listed
    assert "never" in listed


def test_deleting_asks_first(altus: Altus, manager: FakeManager) -> None:
    altus("snapshot-schedule", "delete", "nightly", code=2)
    assert manager.seen == []
