"""Grants."""

from __future__ import annotations

from typing import Annotated

import typer

from altus.cli import completion, options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.commands.user_token import scope
from altus.cli.finish import at_once, confirm
from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.listing import list_things
from altus.cli.text import ago
from altus.model.account import SubjectKind

app = group("Roles given to accounts and groups.")


def _subject(grant: object) -> Ref:
    kind = getattr(grant, "subject_kind", SubjectKind.ACCOUNT)
    return Ref("group" if kind is SubjectKind.GROUP else "user", getattr(grant, "subject_id", ""))


GRANT: AnyLayout = Layout(
    columns=(
        ("ID", lambda grant: grant.id),
        ("TO", _subject),
        ("KIND", lambda grant: grant.subject_kind.value),
        ("ROLE", lambda grant: grant.role),
        ("WHERE", lambda grant: f"{grant.scope_kind} {grant.scope_id}".strip()),
        ("BY", lambda grant: grant.granted_by),
        ("SINCE", lambda grant: ago(grant.created_at)),
    ),
)


@query(app, "list")
async def list_grants(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "id",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List grants."""
    await list_things(call, call.altus.grants, GRANT, filters, sort, limit, everything)


@change(app, "create")
async def create(
    call: Call,
    subject: Annotated[str, typer.Argument(metavar="USER|GROUP", help="Who gets it.")],
    role: Annotated[str, typer.Argument(metavar="ROLE", help="As in `altus role list`.")],
    to_group: Annotated[bool, typer.Option("--group", help="It is given to a group.")] = False,
    project: Annotated[
        str | None,
        typer.Option(metavar="PROJECT", help="Only within this project.", autocompletion=completion.of("projects")),
    ] = None,
    object_id: Annotated[
        str | None, typer.Option("--object", metavar="ID", help="Only for the object with this id.")
    ] = None,
) -> None:
    """Give a role to an account or a group."""
    from altus.sdk.shapes import make
    from altus.wire.users import GrantCreate

    kind = SubjectKind.GROUP if to_group else SubjectKind.ACCOUNT
    body = make(GrantCreate, subject_kind=kind, subject=subject, role=role,
                scope=await scope(call, project, object_id))  # fmt: skip
    title = f"Give {subject} the role {role}"
    await at_once(call, title, "grant.create", subject, lambda: call.altus.grants.create(body), GRANT)


@change(app, "delete", asks=True)
async def delete(call: Call, grant: Annotated[str, typer.Argument(metavar="GRANT", help="Its id.")]) -> None:
    """Take a role away again."""
    confirm(call, f"Take away grant {grant}?")
    await at_once(call, f"Take away grant {grant}", "grant.delete", grant, lambda: call.altus.grants.delete(grant))
