"""Passwords: asked for without showing them, or read from standard input; never arguments."""

from __future__ import annotations

import sys

import typer

from altus.common.errors import InvalidInput


def ask_password(what: str, *, from_stdin: bool) -> str:
    """`InvalidInput` (`client.no_terminal`) where nobody can be asked."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidInput("Nobody can be asked for a password here.", code="client.no_terminal",
                           hint="Give --password-stdin.")  # fmt: skip
    return str(typer.prompt(what, hide_input=True, err=True))


def ask_new_password(*, from_stdin: bool) -> str:
    """Twice, where somebody types it."""
    new = ask_password("New password", from_stdin=from_stdin)
    if not from_stdin and ask_password("The same again", from_stdin=False) != new:
        raise InvalidInput("The two are not the same.", code="client.password_differs")
    return new
