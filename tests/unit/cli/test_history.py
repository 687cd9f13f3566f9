"""What happened to a VM, and what became of a task, as people read it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from altus.common.errors import Failed
from altus.model.task import StepState, TaskState
from altus.wire.tasks import StepView, TaskView
from tests.unit.cli.conftest import Altus
from tests.unit.sdk import samples
from tests.unit.sdk.fake_manager import FakeManager

_BEGAN = datetime.fromisoformat(samples.AT)


@pytest.fixture
def moved(manager: FakeManager) -> TaskView:
    """The task by which web1 went from its first host to node1, where it is not heard of any more."""
    vm = manager.add_vm("web1", state="unknown")
    states = [("creating", "old"), ("running", "old"), ("running", "old"), ("running", vm["host_id"]),
              ("running", vm["host_id"]), ("unknown", vm["host_id"])]  # fmt: skip
    for number, (state, host) in enumerate(states):
        event = manager.emit("vm.updated", "vm", vm["id"], name="web1", revision=number, state=state, host_id=host)
        manager.events[-1] = event.model_copy(update={"at": _BEGAN + timedelta(minutes=number)})
    results: dict[str, Any] = {
        "place": {"host": "node1"},
        "transfer": {"seconds": 1.4, "downtime": 0.2, "bytes_sent": 1},
    }
    trail = [_step(name, result=result) for name, result in results.items()]
    task = samples.task("vm.migrate", vm["id"], "web1").model_copy(update={
        "state": TaskState.SUCCEEDED, "trail": trail, "created_at": _BEGAN + timedelta(minutes=2, seconds=1),
        "started_at": _BEGAN, "finished_at": _BEGAN + timedelta(seconds=2)})  # fmt: skip
    manager.tasks[task.id] = task
    return task


def _step(name: str, **more: Any) -> StepView:
    known = {"title": name.capitalize(), "state": StepState.DONE, "error": None, "attempts": 1, "started_at": _BEGAN,
             "finished_at": _BEGAN}  # fmt: skip
    return StepView(**{"name": name, **known, **more})


def test_history_has_changes_and_tasks_in_one_order(altus: Altus, moved: TaskView) -> None:
    assert moved.kind == "vm.migrate"
    shown = [line.split(maxsplit=2)[2] for line in altus("vm", "events", "web1").stdout.splitlines()[1:]]
    told = [" ".join(line.split()) for line in shown]
    assert told[0] == "it is unknown node1 Its host does not answer."
    assert told[1] == "it is running node1"
    assert told[2].startswith("Migrate VM succeeded By sysadmin, 2.0 s. It went to node1. Moved in 1.4 s")
    assert told[3:] == ["it is running old", "it is creating old"]


def test_history_is_told_to_who_may_not_see_tasks(altus: Altus, manager: FakeManager, moved: TaskView) -> None:
    manager.tasks_forbidden = True
    assert moved.title not in (shown := altus("vm", "events", "web1").stdout)
    assert "Its host does not answer." in shown


def test_programs_get_the_events_as_they_are(altus: Altus, manager: FakeManager, moved: TaskView) -> None:
    assert moved.id in manager.tasks
    assert [event["seq"] for event in altus.json("vm", "events", "web1")["items"]] == [6, 5, 4, 3, 2, 1]


def test_a_task_tells_what_became_of_it(altus: Altus, moved: TaskView) -> None:
    assert "It went to node1. Moved in 1.4 s" in altus("task", "show", moved.id).stdout


def test_a_task_tells_why_a_step_failed_and_which_tasks_it_started(altus: Altus, manager: FakeManager) -> None:
    parent = samples.task("host.maintain", "h", "node1")
    failed = _step("empty", state=StepState.UNDONE, error=Failed("web9 stays.").to_dict())
    manager.tasks[parent.id] = parent.model_copy(update={"state": TaskState.FAILED, "trail": [failed]})
    child = samples.task("vm.migrate", "v", "web7").model_copy(update={"parent_id": parent.id})
    manager.tasks[child.id] = child
    shown = altus("task", "show", parent.id).stdout
    assert "Empty: undone (web9 stays.)" in shown
    assert child.id in shown
    assert "Migrate VM web7" in shown
    assert altus.json("task", "show", parent.id)["id"] == parent.id
