"""How tasks look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from altus.cli.commands.vm_layout import moved
from altus.cli.layout import AnyLayout, Layout
from altus.cli.text import ago, duration
from altus.model.migration import MigrationFacts
from altus.model.task import TaskState

if TYPE_CHECKING:
    from altus.wire.tasks import StepView, TaskView


def _steps(task: TaskView) -> str:
    return "\n".join(map(_step, task.trail))


def _step(step: StepView) -> str:
    why = f" ({step.error['message']})" if step.error else ""
    return f"{step.title}: {step.state}{why}"


def outcome(task: TaskView) -> str:
    """What became of it beyond its state, in sentences: why it failed, or where a VM went."""
    if task.error is not None:
        return str(task.error["message"])
    if task.kind != "vm.migrate" or task.state is not TaskState.SUCCEEDED:
        return ""
    from pydantic import TypeAdapter

    found = {step.name: step.result for step in task.trail}
    facts = TypeAdapter(MigrationFacts).validate_python(found["transfer"])
    return f"It went to {found['place']['host']}. {moved(facts)}".strip()


TASK: AnyLayout = Layout(
    columns=(
        ("ID", lambda task: task.id),
        ("WHAT", lambda task: f"{task.title} {task.object_name}".strip()),
        ("STATE", lambda task: task.state.value),
        ("DONE", lambda task: f"{task.progress:.0%}"),
        ("BY", lambda task: task.actor),
        ("BEGUN", lambda task: ago(task.created_at)),
        ("TOOK", lambda task: duration(task.started_at, task.finished_at)),
    ),
    details=(
        ("KIND", lambda task: task.kind),
        ("OBJECT", lambda task: task.object_id),
        ("WAITS FOR", lambda task: task.waiting_for or (", ".join(task.queue.waits_for) if task.queue else "")),
        ("STEPS", _steps),
        ("OUTCOME", lambda task: "" if task.error else outcome(task)),
        ("ERROR", lambda task: task.error["message"] if task.error else ""),
        ("HINT", lambda task: task.error.get("hint", "") if task.error else ""),
        ("REQUEST", lambda task: task.request_id),
    ),
)
