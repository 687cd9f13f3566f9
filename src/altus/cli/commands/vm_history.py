"""What happened to a VM: its states, and the tasks that were about it, in one order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from altus.cli.call import Call
from altus.cli.commands.task_layout import outcome
from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.output import Output
from altus.cli.text import duration
from altus.common.errors import Forbidden
from altus.model.vm import VmState

if TYPE_CHECKING:
    from altus.wire.tasks import EventView, TaskView

_TASKS = 200
_MEANING = {
    VmState.UNKNOWN: "Its host does not answer.",
    VmState.CRASHED: "It ended without being told to.",
    VmState.FAILED: "It could not be made whole, or its host was forgotten.",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that happened: a task from its beginning on, or another state or host."""

    at: datetime
    what: str
    state: str
    host_id: str | None = None
    more: str = ""


HISTORY: AnyLayout = Layout(
    columns=(
        ("AT", lambda line: f"{line.at:%Y-%m-%d %H:%M:%S}"),
        ("WHAT", lambda line: line.what),
        ("STATE", lambda line: line.state),
        ("HOST", lambda line: Ref("host", line.host_id)),
        ("MORE", lambda line: line.more),
    ),
)


async def show_history(call: Call, vm: str) -> None:
    """Newest first. Programs get the events as they are."""
    page = await call.altus.vms.events(vm)
    if call.output is not Output.TABLE:
        await call.show_page(page.items, page.next, HISTORY)
        return
    lines = [*_changes(page.items), *(await _tasks(call, (await call.altus.vms.get(vm)).id))]
    await call.show_page(sorted(lines, key=lambda line: line.at, reverse=True), None, HISTORY)


def _changes(events: Sequence[EventView]) -> Iterable[Line]:
    """Most events tell of neither: they are steps of tasks."""
    before: tuple[object, ...] = ()
    for event in reversed(events):
        state, host_id = event.data.get("state", ""), event.data.get("host_id")
        if (state, host_id) != before:
            yield Line(at=event.at, what="it is", state=state, host_id=host_id, more=_MEANING.get(state, ""))
        before = (state, host_id)


async def _tasks(call: Call, vm_id: str) -> list[Line]:
    """None for who may not see them."""
    try:
        page = await call.altus.tasks.page([f"object_id:{vm_id}"], sort="-seq", limit=_TASKS)
    except Forbidden:
        return []
    return [Line(at=task.created_at, what=task.title, state=task.state.value, more=_more(task)) for task in page.items]


def _more(task: TaskView) -> str:
    took = duration(task.started_at, task.finished_at)
    return f"By {task.actor}{f', {took}' if took else ''}. {outcome(task)}".strip()
