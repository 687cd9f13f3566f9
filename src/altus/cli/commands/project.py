"""Projects."""

from __future__ import annotations

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import at_once
from altus.cli.layout import AnyLayout, Layout
from altus.cli.listing import list_things
from altus.cli.text import ago

app = group("Projects: what rights are about.")
PROJECT: AnyLayout = Layout(
    columns=(
        ("NAME", lambda project: project.name),
        ("ID", lambda project: project.id),
        ("LABEL", lambda project: project.label.value),
        ("CREATED", lambda project: ago(project.created_at)),
    ),
)


@query(app, "list")
async def list_projects(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List projects."""
    await list_things(call, call.altus.projects, PROJECT, filters, sort, limit, everything)


@change(app, "create")
async def create(call: Call, name: options.NewName) -> None:
    """Create a project."""
    title = f"Create project {name}"
    await at_once(call, title, "project.create", name, lambda: call.altus.projects.create(name), PROJECT)
