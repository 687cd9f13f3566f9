"""How tasks look."""

from __future__ import annotations

from altus.cli.layout import AnyLayout, Layout
from altus.cli.text import ago, duration


def _steps(task: object) -> str:
    trail = getattr(task, "trail", [])
    return "\n".join(f"{step.title}: {step.state}" for step in trail)


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
        ("ERROR", lambda task: task.error["message"] if task.error else ""),
        ("HINT", lambda task: task.error.get("hint", "") if task.error else ""),
        ("REQUEST", lambda task: task.request_id),
    ),
)
