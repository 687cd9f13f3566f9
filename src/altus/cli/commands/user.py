"""Accounts and their passwords; API tokens are in user_token.py."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.commands import user_token
from altus.cli.finish import at_once, confirm
from altus.cli.layout import AnyLayout, Layout
from altus.cli.listing import list_things
from altus.cli.secrets import ask_new_password, ask_password
from altus.cli.text import ago, listed, yes_no

app = group("Accounts, passwords and API tokens.")


def _state(user: object) -> str:
    if not getattr(user, "enabled", True):
        return "disabled"
    return "locked" if getattr(user, "locked_until", None) else "enabled"


USER: AnyLayout = Layout(
    columns=(
        ("NAME", lambda user: user.name),
        ("STATE", _state),
        ("DISPLAY NAME", lambda user: user.display_name),
        ("BUILT IN", lambda user: yes_no(user.builtin)),
        ("LAST LOGIN", lambda user: ago(user.last_login_at)),
        ("CREATED", lambda user: ago(user.created_at)),
    ),
    details=(
        ("ID", lambda user: user.id),
        ("MUST CHANGE PASSWORD", lambda user: yes_no(user.must_change_password)),
        ("LOCKED UNTIL", lambda user: f"{user.locked_until:%Y-%m-%d %H:%M} UTC" if user.locked_until else ""),
        ("DUTY", lambda user: user.duty.value if user.duty else ""),
        ("GROUPS", lambda user: listed(user.groups)),
        ("ROLES", lambda user: listed(f"{grant.role} ({grant.scope_kind})" for grant in user.grants)),
    ),
)
SECRET: AnyLayout = Layout((("NAME", lambda user: user.name), ("PASSWORD (SHOWN THIS ONCE)", lambda u: u.password)))


@query(app, "list")
async def list_users(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List accounts."""
    await list_things(call, call.altus.users, USER, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, user: options.User) -> None:
    """Show an account with its groups and roles."""
    await call.show(await call.altus.users.get(user), USER)


@change(app, "create")
async def create(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits, dots, dashes.")],
    display_name: Annotated[str, typer.Option(metavar="TEXT", help="For people.")] = "",
    password_stdin: options.PasswordStdin = False,
) -> None:
    """Create an account without rights; its one-time password is shown once."""
    from altus.sdk.shapes import make
    from altus.wire.users import UserCreate

    given = {"password": sys.stdin.readline().rstrip("\r\n")} if password_stdin else {}
    body = make(UserCreate, name=name, display_name=display_name, **given)
    await at_once(call, f"Create account {name}", "user.create", name, lambda: call.altus.users.create(body), SECRET)


@change(app, "delete", asks=True)
async def delete(call: Call, user: options.User) -> None:
    """Delete an account with its grants, sessions and tokens."""
    confirm(call, f"Delete account {user}?")
    await at_once(call, f"Delete account {user}", "user.delete", user, lambda: call.altus.users.delete(user))


@change(app, "passwd")
async def passwd(
    call: Call,
    password_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help=("Read the old and the new password from standard input, a line each.")),
    ] = False,
) -> None:
    """Change your own password; your other sessions end."""

    async def ask() -> None:
        old = ask_password("Old password", from_stdin=password_stdin)
        new = ask_new_password(from_stdin=password_stdin)
        await call.altus.sessions.change_password(old, new)

    await at_once(call, "Change your password", "user.passwd", "", ask)


@change(app, "reset-password", asks=True)
async def reset_password(call: Call, user: options.User) -> None:
    """Make a one-time password for somebody who forgot his; his sessions and tokens end."""
    confirm(call, f"Reset the password of {user}, ending all sessions and tokens?", strict=False)
    title = f"Reset the password of {user}"
    await at_once(call, title, "user.reset_password", user, lambda: call.altus.users.reset_password(user), SECRET)


@change(app, "enable")
async def enable(call: Call, user: options.User) -> None:
    """Let an account log in again."""
    await _set_enabled(call, user, True)


@change(app, "disable")
async def disable(call: Call, user: options.User) -> None:
    """Let an account log in no more; its sessions end at once."""
    await _set_enabled(call, user, False)


@change(app, "unlock")
async def unlock(call: Call, user: options.User) -> None:
    """End an account's lock-out after wrong passwords."""
    await at_once(call, f"Unlock account {user}", "user.unlock", user, lambda: call.altus.users.unlock(user), USER)


async def _set_enabled(call: Call, user: str, enabled: bool) -> None:
    from altus.wire.users import UserEdit

    title = f"{'Enable' if enabled else 'Disable'} account {user}"
    body = UserEdit(enabled=enabled)
    await at_once(call, title, "user.edit", user, lambda: call.altus.users.edit(user, body), USER)


app.add_typer(user_token.app, name="token")
