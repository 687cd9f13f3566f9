"""Security groups; their rules are in security_group_rule.py."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.commands import security_group_rule
from altus.cli.commands.security_group_layout import SECURITY_GROUP
from altus.cli.finish import confirm, finish
from altus.cli.listing import list_things
from altus.common.errors import InvalidInput
from altus.model.label import Label

app = group("Security groups: who may speak with VMs, and with whom they may.")


@query(app, "list")
async def list_security_groups(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List security groups."""
    await list_things(call, call.altus.security_groups, SECURITY_GROUP, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, security_group: options.SecurityGroup) -> None:
    """Show a security group with its rules."""
    await call.show(await call.altus.security_groups.get(security_group), SECURITY_GROUP)


@change(app, "create")
async def create(
    call: Call,
    name: options.NewName,
    description: Annotated[str, typer.Option(metavar="TEXT", help="For people.")] = "",
    project: options.InProject = None,
    label: options.WithLabel = Label.OPEN,
) -> None:
    """Create a security group. Its members talk with one another and may send anything; what they get from others,
    `altus security-group rule add` says. NICs get into it by `altus vm nic edit`."""
    from altus.sdk.shapes import make
    from altus.wire.security_groups import SecurityGroupCreate

    body = make(SecurityGroupCreate, name=name, description=description, project=project, label=label)
    await finish(call, call.altus.security_groups.create(body), call.altus.security_groups.get, SECURITY_GROUP)


@change(app, "edit")
async def edit(
    call: Call,
    security_group: options.SecurityGroup,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Another name.")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="For people.")] = None,
) -> None:
    """Change what a security group is called."""
    from altus.sdk.shapes import make
    from altus.wire.security_groups import SecurityGroupEdit

    given: dict[str, Any] = {f: v for f, v in (("name", name), ("description", description)) if v is not None}
    if not given:
        raise InvalidInput("Nothing to change was given.", code="client.usage",
                           hint="See `altus security-group edit --help`.")  # fmt: skip
    body = make(SecurityGroupEdit, **given)
    await finish(call, call.altus.security_groups.edit(security_group, body), call.altus.security_groups.get,
                 SECURITY_GROUP)  # fmt: skip


@change(app, "delete", asks=True)
async def delete(call: Call, security_group: options.SecurityGroup) -> None:
    """Delete a security group that nobody uses."""
    confirm(call, f"Delete security group {security_group}?")
    await finish(call, call.altus.security_groups.delete(security_group))


app.add_typer(security_group_rule.app, name="rule")
