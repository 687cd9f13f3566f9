"""API tokens."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from altus.cli import completion, options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import at_once, confirm
from altus.cli.layout import AnyLayout, Layout
from altus.cli.text import ago, listed
from altus.model.permission import Permission, ScopeKind

app = group("API tokens, for programs.")
TOKEN: AnyLayout = Layout(
    columns=(
        ("NAME", lambda token: token.name),
        ("ID", lambda token: token.id),
        ("PERMISSIONS", lambda token: "all of its account" if token.permissions is None else listed(token.permissions)),
        ("WHERE", lambda token: f"{token.scope_kind} {token.scope_id}".strip()),
        ("EXPIRES", lambda token: ago(token.expires_at)),
        ("LAST USED", lambda token: ago(token.last_used_at)),
    ),
)
CREATED: AnyLayout = Layout((("NAME", lambda token: token.name), ("EXPIRES", lambda token: ago(token.expires_at)),
                             ("TOKEN (SHOWN THIS ONCE)", lambda token: token.token)))  # fmt: skip
OfUser = Annotated[
    str | None,
    typer.Option("--user", metavar="USER", help="Of another account.", autocompletion=completion.of("users")),
]


@change(app, "create")
async def create(
    call: Call,
    name: options.NewName,
    expires: Annotated[str, typer.Option(parser=options.DURATION, metavar="TIME", help="Such as 1h or 30d.")] = "30d",
    permissions: Annotated[
        list[Permission],
        typer.Option(
            "--permission",
            metavar="PERMISSION",
            help="Only this, such as vm:read; repeatable. All that you may, if left out.",
        ),
    ] = options.NONE,
    project: Annotated[
        str | None,
        typer.Option(metavar="PROJECT", help="Only within this project.", autocompletion=completion.of("projects")),
    ] = None,
    object_id: Annotated[
        str | None, typer.Option("--object", metavar="ID", help="Only for the object with this id.")
    ] = None,
) -> None:
    """Create an API token of your own; its text is shown once."""
    from altus.sdk.shapes import make
    from altus.wire.users import TokenCreate

    given: dict[str, Any] = {"permissions": permissions} if permissions else {}
    body = make(TokenCreate, name=name, expires_in=expires, scope=await scope(call, project, object_id), **given)
    await at_once(call, f"Create API token {name}", "token.create", name, lambda: call.altus.tokens.create(body),
                  CREATED)  # fmt: skip


@query(app, "list")
async def list_tokens(call: Call, user: OfUser = None) -> None:
    """List API tokens."""
    page = await call.altus.tokens.list(user)
    await call.show_page(page.items, page.next, TOKEN)


@change(app, "revoke", asks=True)
async def revoke(
    call: Call, token: Annotated[str, typer.Argument(metavar="TOKEN", help="Name or id.")], user: OfUser = None
) -> None:
    """End an API token at once."""
    confirm(call, f"End API token {token}?", strict=False)
    await at_once(call, f"Revoke API token {token}", "token.revoke", token,
                  lambda: call.altus.tokens.revoke(token, user))  # fmt: skip


async def scope(call: Call, project: str | None, object_id: str | None) -> Any:
    """How far a token or grant reaches."""
    from altus.sdk.shapes import make
    from altus.wire.users import ScopeShape

    if object_id is not None:
        return make(ScopeShape, kind=ScopeKind.OBJECT, id=object_id)
    if project is not None:
        found = await call.altus.projects.get(project)
        return make(ScopeShape, kind=ScopeKind.PROJECT, id=found.id)
    return ScopeShape()
