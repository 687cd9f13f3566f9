"""Roles."""

from __future__ import annotations

from typing import Annotated

import typer

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import at_once, confirm
from altus.cli.layout import AnyLayout, Layout
from altus.cli.text import listed
from altus.model.permission import Duty, Permission

app = group("Roles: named sets of permissions.")
ROLE: AnyLayout = Layout(
    columns=(
        ("NAME", lambda role: role.name),
        ("DUTY", lambda role: role.duty.value),
        ("PERMISSIONS", lambda role: listed(role.permissions)),
    ),
)


@query(app, "list")
async def list_roles(call: Call) -> None:
    """List roles, built-in ones first."""
    page = await call.altus.roles.list()
    await call.show_page(page.items, page.next, ROLE)


@change(app, "create")
async def create(
    call: Call,
    name: options.NewName,
    duty: Annotated[Duty, typer.Option(help="Whose work it is.")],
    permissions: Annotated[
        list[Permission], typer.Option("--permission", metavar="PERMISSION", help="Such as vm:read; repeatable.")
    ],
    description: Annotated[str, typer.Option(metavar="TEXT", help="For people.")] = "",
) -> None:
    """Create a role of one duty."""
    from altus.sdk.shapes import make
    from altus.wire.users import RoleCreate

    body = make(RoleCreate, name=name, duty=duty, permissions=permissions, description=description)
    await at_once(call, f"Create role {name}", "role.create", name, lambda: call.altus.roles.create(body), ROLE)


@change(app, "delete", asks=True)
async def delete(call: Call, role: Annotated[str, typer.Argument(metavar="ROLE", help="Its name.")]) -> None:
    """Delete a role that nobody has."""
    confirm(call, f"Delete role {role}?")
    await at_once(call, f"Delete role {role}", "role.delete", role, lambda: call.altus.roles.delete(role))
