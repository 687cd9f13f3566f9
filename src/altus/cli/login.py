"""Logging in: trust in the manager first, then the password."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from altus.cli.call import Call
from altus.cli.credentials import DEFAULT_URL, Credentials, keep_ca, login_file, read_stored, remember, save
from altus.cli.output import Output, write_data
from altus.cli.secrets import ask_password
from altus.common.errors import InvalidInput
from altus.sdk.client import fetch_ca
from altus.sdk.tls import check_url

if TYPE_CHECKING:
    from altus.wire.users import SessionOpened


async def log_in(call: Call, url: str | None, user: str | None, *, password_stdin: bool,
                 fingerprint: str) -> SessionOpened:  # fmt: skip
    """Open a session and remember it as the login in use."""
    stored = read_stored()
    address = check_url(url or call.overrides.url or os.environ.get("ALTUS_URL") or (stored.url if stored else "")
                        or DEFAULT_URL)  # fmt: skip
    ca = await _trusted_ca(call, address, stored, fingerprint)
    name = user or _ask_name()
    password = ask_password(f"Password of {name}", from_stdin=password_stdin)
    async with call.connect(Credentials(url=address, ca_file=ca)) as client:
        opened = await client.sessions.login(name, password)
    made = Credentials(url=address, token=opened.token, ca_file=ca, user=name)
    save(made, login_file())
    kept = remember(made)
    if call.output is Output.TABLE:
        call.progress.say(f"Logged in to {address} as {name}; `altus config use {kept}` comes back to this login.")
    else:
        write_data(call.output, {"url": address, "user": name, "login": kept,
                                 "must_change_password": opened.must_change_password})  # fmt: skip
    return opened


async def _trusted_ca(call: Call, url: str, stored: Credentials | None, expected: str) -> Path | None:
    """The file of the CA to verify this manager with: given, known from before, or accepted now."""
    given = call.overrides.ca or (Path(os.environ["ALTUS_CA"]) if os.environ.get("ALTUS_CA") else None)
    if url.startswith("http:"):
        return given
    if given is None and not expected and stored is not None and stored.url == url:
        given = stored.ca_file
    if given is not None:
        return given.resolve()
    pem, found = await fetch_ca(url, expected, patience=call.patience)
    if not expected:
        _ask_trust(call, url, found)
    return keep_ca(pem, found)


def _ask_trust(call: Call, url: str, found: str) -> None:
    call.progress.say(f"The CA of {url} has the SHA-256 fingerprint {found}.")
    call.progress.say("Compare it with the one that the manager's administrator tells you.")
    if not sys.stdin.isatty():
        raise InvalidInput("Nobody can be asked whether that is the right one.", code="client.untrusted",
                           hint="Give --ca-fingerprint, or --ca with the certificate's file.")  # fmt: skip
    if not typer.confirm("Is it the right one?", err=True):
        raise InvalidInput("Not logged in.", code="client.untrusted")


def _ask_name() -> str:
    if not sys.stdin.isatty():
        raise InvalidInput("Whose login is it?", code="client.usage", hint="Give --user.")
    return str(typer.prompt("Name", err=True))
