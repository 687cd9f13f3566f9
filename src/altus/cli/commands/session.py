"""Sessions."""

from __future__ import annotations

from typing import Annotated

import typer

from altus.cli import completion
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import at_once, confirm
from altus.cli.layout import AnyLayout, Layout
from altus.cli.text import ago
from altus.common.errors import InvalidInput

app = group("Your sessions.")
SESSION: AnyLayout = Layout(
    columns=(
        ("ID", lambda session: session.id),
        ("FROM", lambda session: session.source),
        ("BEGUN", lambda session: ago(session.created_at)),
        ("LAST SEEN", lambda session: ago(session.last_seen_at)),
        ("ENDS", lambda session: ago(session.expires_at)),
    ),
)


@query(app, "list")
async def list_sessions(call: Call) -> None:
    """List your sessions."""
    page = await call.altus.sessions.list()
    await call.show_page(page.items, page.next, SESSION)


@change(app, "revoke", asks=True)
async def revoke(
    call: Call,
    session: Annotated[str | None, typer.Argument(metavar="SESSION", help="The id of one of yours.")] = None,
    user: Annotated[
        str | None,
        typer.Option(metavar="USER", help="All sessions of this account.", autocompletion=completion.of("users")),
    ] = None,
) -> None:
    """End one of your sessions, or all of an account."""
    if (session is None) == (user is None):
        raise InvalidInput("Give either the id of a session or --user.", code="client.usage")
    if user is not None:
        confirm(call, f"End all sessions of {user}?", strict=False)
        await at_once(
            call, f"End all sessions of {user}", "session.revoke", user, lambda: call.altus.users.logout(user)
        )
    elif session is not None:
        confirm(call, f"End session {session}?", strict=False)
        await at_once(call, f"End session {session}", "session.revoke", session,
                      lambda: call.altus.sessions.revoke(session))  # fmt: skip
