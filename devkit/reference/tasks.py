"""docs/reference/tasks.md: every task type with its steps."""

from typing import Any

from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.load import TASK_TYPES
from devkit.reference import markdown as md

_TEXT = """\
Each change of a resource is one of these. Steps run in order. A step that fails, or a task that is cancelled, has the
steps so far undone, last one first. After a step that commits there is no way back: the task is repeated until it
succeeds. Patience is how long a step waits for something that does not answer; see
[architecture.md](../architecture.md#tasks)."""


def page() -> str:
    """The page."""
    return md.page("Tasks", _TEXT, *(_section(kind) for kind in TASK_TYPES.values()))


def _section(kind: TaskType[Any]) -> str:
    cancel = "can be cancelled" if kind.cancellable else "cannot be cancelled once it runs"
    facts = f"{kind.title}: needs {md.code(kind.permission)}, is about a {kind.noun}, {cancel}."
    committed, rows = False, []
    for step in kind.steps:
        committed = committed or step.commits
        rows.append((md.code(step.name), step.title, _way_back(step, committed=committed), _patience(step, committed)))
    return md.section(kind.kind, facts, md.table(("Step", "What it does", "Undo", "Patience"), rows))


def _way_back(step: Step[Any], *, committed: bool) -> str:
    if step.commits:
        return "commits: no way back after it"
    if committed:
        return "only forward"
    return "nothing to undo" if step.undo is None else md.first_line(step.undo) or "yes"


def _patience(step: Step[Any], committed: bool) -> str:
    return "without end" if committed and not step.commits else f"{step.patience:g} s"
