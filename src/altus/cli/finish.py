"""Changes: asked for when they are not wanted, planned, made, waited for, shown."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import typer

from altus.cli.call import Call
from altus.cli.commands.task_layout import TASK
from altus.cli.exits import ExitCode
from altus.cli.layout import AnyLayout
from altus.cli.output import Output, write_data, write_line
from altus.cli.plan import show_plan

if TYPE_CHECKING:
    from pydantic import BaseModel

    from altus.sdk.changes import Change
    from altus.wire.tasks import TaskView


async def finish(call: Call, change: Change, get: Callable[[str], Awaitable[Any]] | None = None,
                 layout: AnyLayout = TASK, tell: Callable[[TaskView], str] | None = None) -> None:  # fmt: skip
    """Carry out a change that is a task, as the call's options say. `get` looks at the object that results; without it
    the task is shown. `tell` says what people want to know of the task itself."""
    if call.plan:
        await show_plan(call, await change.plan())
        return
    task = await change
    if not call.wait:
        await call.show_row(task, TASK)
        return
    done = await watch(call, task)
    if tell is not None:
        call.progress.say(tell(done))
    if get is None:
        await call.show_row(done, TASK)
    else:
        await call.show_row(await get(done.object_id), layout)


async def watch(call: Call, task: TaskView) -> TaskView:
    """Wait for a task, showing how far it is; what went wrong is raised."""
    from altus.sdk.changes import require_success

    call.interrupted = lambda: (
        f"The task goes on. Watch it: altus task watch {task.id}; end it: altus task cancel {task.id}"
    )
    done = await call.altus.tasks.wait(task.id, lambda seen: call.progress.tell(sentence(seen)))
    call.interrupted = None
    return require_success(done)


def sentence(task: TaskView) -> str:
    """How far a task is."""
    what = f"{task.title} {task.object_name}".strip()
    if task.waiting_for:
        return f"{what}: {task.waiting_for}"
    if task.queue is not None:
        return f"{what}: number {task.queue.position} in the queue, after task {task.queue.waits_for[0]}"
    step = task.trail[-1] if task.trail else None
    if task.state.finished or step is None:
        return f"{what}: {task.state}"
    undoing = "undoing: " if task.state == "undoing" else ""
    return f"{what}: {undoing}{step.title} ({task.progress:.0%})"


async def at_once(call: Call, title: str, kind: str, name: str, make: Callable[[], Awaitable[Any]],
                  layout: AnyLayout | None = None) -> Any:  # fmt: skip
    """Carry out a change that is no task: it is done when the manager answers. Shows what comes back, or a sentence.
    Returns None if it is only planned."""
    if call.plan:
        await show_plan(call, _plan(title, kind, name))
        return None
    made: BaseModel | None = await make()
    if made is not None and layout is not None:
        await call.show_row(made, layout)
    elif made is None:
        show_done(call, f"{title}: done.")
    return made


def show_done(call: Call, text: str) -> None:
    """For changes with nothing to show."""
    if call.output is Output.TABLE:
        write_line(text)
    else:
        write_data(call.output, {"done": True})


def confirm(call: Call, question: str, *, strict: bool = True) -> None:
    """Ask before something is lost. Where nobody can be asked, `strict` questions need `--yes`: those whose answer
    cannot be taken back."""
    if call.yes or call.plan:
        return
    if sys.stdin.isatty():
        if not typer.confirm(question, err=True):
            call.progress.say("Nothing was changed.")
            raise typer.Exit(ExitCode.FAILED)
    elif strict:
        call.progress.say(f"Error: {question} Nobody can be asked here.")
        call.progress.say("Hint: Give --yes.")
        raise typer.Exit(ExitCode.USAGE)


def _plan(title: str, kind: str, name: str) -> Any:
    from altus.wire.tasks import PlannedStepView, PlanView

    step = PlannedStepView(name="change", title=f"{title}, at once", undoable=False)
    return PlanView(kind=kind, title=title, noun=kind.partition(".")[0], object_name=name, steps=[step], locks=[],
                    waits_for=[], details={})  # fmt: skip
