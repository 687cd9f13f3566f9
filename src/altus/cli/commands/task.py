"""Tasks."""

from __future__ import annotations

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.commands.task_layout import TASK
from altus.cli.finish import at_once, watch
from altus.cli.listing import list_things
from altus.cli.output import Output, write_line

app = group("What is being done, and was done.")


@query(app, "list")
async def list_tasks(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "-seq",
    limit: options.Limit = 30,
    everything: options.All = False,
) -> None:
    """List tasks, the newest first; `-f state:running,queued` for those under way."""
    await list_things(call, call.altus.tasks, TASK, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, task: options.Task) -> None:
    """Show a task: its steps, how far it is, what it waits for, what became of it, and the tasks that it started."""
    found = await call.altus.tasks.get(task)
    await call.show(found, TASK)
    if call.output is Output.TABLE and (children := (await call.altus.tasks.children(found.id)).items):
        write_line("")
        await call.show_page(children, None, TASK)


@query(app, "watch")
async def watch_task(call: Call, task: options.Task) -> None:
    """Wait for a task, showing how far it is; fails if the task does."""
    done = await watch(call, await call.altus.tasks.get(task))
    await call.show_row(done, TASK)


@change(app, "cancel")
async def cancel(call: Call, task: options.Task) -> None:
    """Ask a task to end, and wait until what it did is undone."""
    asked = await at_once(call, f"Cancel task {task}", "task.cancel", task, lambda: call.altus.tasks.cancel(task))
    if asked is None:
        return
    if call.wait:
        asked = await call.altus.tasks.wait(asked.id, lambda seen: call.progress.tell(f"{seen.title}: {seen.state}"))
    await call.show_row(asked, TASK)
