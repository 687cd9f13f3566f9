"""Which manager is used, and as whom."""

from __future__ import annotations

from typing import Annotated

import typer

from altus.cli.call import Call
from altus.cli.command import group, query
from altus.cli.credentials import find, remembered, use
from altus.cli.output import Output, write_data, write_details

app = group("Which manager is used, and as whom.")


def _logins() -> list[str]:
    return ["machine", *remembered()]


@query(app, "show")
async def show(call: Call) -> None:
    """Show the manager's address, as whom you speak with it, and where that is written."""
    found = find(call.overrides)
    data = {"url": found.url, "user": found.user, "ca_file": str(found.ca_file) if found.ca_file else None,
            "source": found.source, "logged_in": bool(found.token), "logins": list(remembered())}  # fmt: skip
    if call.output is not Output.TABLE:
        write_data(call.output, data)
        return
    write_details([(key.replace("_", " "), _text(value)) for key, value in data.items()])


@query(app, "use")
async def use_login(
    call: Call,
    login: Annotated[
        str, typer.Argument(metavar="LOGIN", help="As in `altus config show`, or machine.", autocompletion=_logins)
    ],
) -> None:
    """Go back to an earlier login, or (machine) to this machine's administrator."""
    use(login)
    await show(call)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value or "")
