"""Commands without a noun: login, logout, doctor, version."""

from __future__ import annotations

from typing import Annotated

import typer

import altus
from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import query
from altus.cli.credentials import find, forget, is_of_machine
from altus.cli.exits import ExitCode
from altus.cli.finish import show_done
from altus.cli.output import Output, write_data, write_line
from altus.common.errors import AltusError, Conflict, Unauthenticated


async def login(
    call: Call,
    address: Annotated[
        str | None, typer.Argument(metavar="URL", help=("The manager, https://host:port; the one in use if left out."))
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", "-u", metavar="NAME", help="Your account; asked for if left out.")
    ] = None,
    password_stdin: options.PasswordStdin = False,
    ca_fingerprint: Annotated[
        str, typer.Option(metavar="HEX", help="SHA-256 that the CA certificate must have, for scripts.")
    ] = "",
) -> None:
    """Log in with a password. The first time a manager's CA is shown for you to compare, and then remembered."""
    from altus.cli.login import log_in

    opened = await log_in(call, address, user, password_stdin=password_stdin, fingerprint=ca_fingerprint)
    if opened.must_change_password:
        call.progress.say("The password must be changed before anything else: altus user passwd")


async def logout(call: Call) -> None:
    """End the session and forget it."""
    found = find(call.overrides)
    if is_of_machine(found):
        raise Conflict("These are this machine's own credentials, not a login.", code="client.machine",
                       hint="`altus login` switches to an account of your own.")  # fmt: skip
    try:
        await call.altus.sessions.logout()
    except Unauthenticated:
        call.progress.say("The session had ended already.")
    forget(found)
    show_done(call, "Logged out.")


async def doctor(call: Call) -> None:
    """Compare the database with every host. Fails unless everything agrees."""
    call.progress.tell("Comparing the database with every host")
    report = await call.altus.system.doctor()
    call.progress.clear()
    if call.output is not Output.TABLE:
        write_data(call.output, report.model_dump(mode="json"))
    else:
        counts = ((count, noun.replace("_", " ")) for noun, count in report.checked.items())
        checked = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
        write_line(f"{'Everything agrees' if report.healthy else 'Not everything agrees'}: {checked} compared.")
        for finding in report.findings:
            write_line(f"  {finding.kind}: {finding.message}" + (f" {finding.hint}" if finding.hint else ""))
    if not report.healthy:
        raise typer.Exit(ExitCode.FAILED)


async def version(call: Call) -> None:
    """Show the versions of this program and the manager."""
    manager = None
    try:
        async with call.connect(find(call.overrides), patience=0) as client:
            manager = (await client.system.health()).version
    except AltusError as error:
        call.progress.say(f"The manager's version is not known: {error.message}")
    if call.output is not Output.TABLE:
        write_data(call.output, {"client": altus.__version__, "manager": manager})
    else:
        write_line(f"altus {altus.__version__}" + (f", manager {manager}" if manager else ""))


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for body in (login, logout, doctor, version):
        query(app, body.__name__)(body)
