"""Groups of accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change, query
from altus.cli.command import group as new_group
from altus.cli.finish import at_once, confirm
from altus.cli.layout import AnyLayout, Layout
from altus.cli.listing import list_things
from altus.cli.text import ago, listed

app = new_group("Groups of accounts.")
GROUP: AnyLayout = Layout(
    columns=(
        ("NAME", lambda group: group.name),
        ("DESCRIPTION", lambda group: group.description),
        ("CREATED", lambda group: ago(group.created_at)),
    ),
    details=(
        ("ID", lambda group: group.id),
        ("MEMBERS", lambda group: listed(member.name for member in group.members)),
    ),
)


@query(app, "list")
async def list_groups(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List groups."""
    await list_things(call, call.altus.groups, GROUP, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, group: options.Group) -> None:
    """Show a group with its members."""
    await call.show(await call.altus.groups.get(group), GROUP)


@change(app, "create")
async def create(
    call: Call,
    name: options.NewName,
    description: Annotated[str, typer.Option(metavar="TEXT", help="For people.")] = "",
) -> None:
    """Create an empty group."""
    title = f"Create group {name}"
    await at_once(call, title, "group.create", name, lambda: call.altus.groups.create(name, description), GROUP)


@change(app, "delete", asks=True)
async def delete(call: Call, group: options.Group) -> None:
    """Delete a group with its grants; the accounts stay."""
    confirm(call, f"Delete group {group}?")
    await at_once(call, f"Delete group {group}", "group.delete", group, lambda: call.altus.groups.delete(group))


@change(app, "add")
async def add(call: Call, group: options.Group, user: options.User) -> None:
    """Put an account into a group."""
    title = f"Put {user} into group {group}"
    await at_once(call, title, "group.add", group, lambda: call.altus.groups.add(group, user))


@change(app, "remove")
async def remove(call: Call, group: options.Group, user: options.User) -> None:
    """Take an account out of a group."""
    title = f"Take {user} out of group {group}"
    await at_once(call, title, "group.remove", group, lambda: call.altus.groups.remove(group, user))
