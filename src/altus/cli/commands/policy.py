"""Password and session policies."""

from __future__ import annotations

from typing import Annotated

import typer

from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import at_once
from altus.cli.layout import AnyLayout, Layout
from altus.common.errors import InvalidInput

app = group("Password and session policies.")
Policy = Annotated[str, typer.Argument(metavar="POLICY", help="password or session.")]
POLICY: AnyLayout = Layout(
    (
        ("NAME", lambda policy: policy.name),
        ("VALUES", lambda policy: "\n".join(f"{key} = {_shown(value)}" for key, value in policy.values.items())),
    )
)


def _shown(value: int | bool) -> str:
    return str(value).lower()


@query(app, "show")
async def show(call: Call, policy: Policy) -> None:
    """Show a policy."""
    await call.show(await call.altus.policies.get(policy), POLICY)


@change(app, "set")
async def set_values(
    call: Call,
    policy: Policy,
    values: Annotated[list[str], typer.Argument(metavar="NAME=VALUE", help="Such as min_length=14.")],
) -> None:
    """Change values of a policy; they hold at once."""
    parsed = dict(_parse(text) for text in values)
    title = f"Set {', '.join(f'{key} to {_shown(value)}' for key, value in parsed.items())} in policy {policy}"
    await at_once(call, title, "policy.edit", policy, lambda: call.altus.policies.edit(policy, parsed), POLICY)


def _parse(text: str) -> tuple[str, int | bool]:
    name, _, value = text.partition("=")
    if value.lower() in ("true", "false"):
        return name, value.lower() == "true"
    if not value.isdecimal():
        raise InvalidInput(f"{text[:60]!r} is not a value of a policy.", code="client.usage",
                           hint="Write name=number, name=true or name=false.")  # fmt: skip
    return name, int(value)
