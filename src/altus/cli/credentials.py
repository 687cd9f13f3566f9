"""Where the manager is and the token for it: from options, the environment, or a file.

The files, first found first: what `ALTUS_CREDENTIALS` names, one's own login (`altus login`), and, for root on a
manager's machine, its system administrator's. They hold `url`, `token`, `ca_file` and perhaps `user`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from altus.common.errors import InvalidInput, NotFound, Unauthenticated
from altus.common.files import write_whole

MACHINE_FILE = Path("/etc/altus/admin-credentials.json")
DEFAULT_URL = "https://127.0.0.1:8440"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """`source` says where they come from, for people."""

    url: str
    token: str = ""
    ca_file: Path | None = None
    user: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """What was given on the command line."""

    url: str | None = None
    token_file: Path | None = None
    ca: Path | None = None


def find(overrides: Overrides, environ: Mapping[str, str] = os.environ) -> Credentials:
    """The ones to use; `Unauthenticated` (`client.no_login`) if there are none. What a file holds for one manager is
    never sent to another one."""
    stored = read_stored(environ)
    url = overrides.url or environ.get("ALTUS_URL") or (stored.url if stored is not None else "")
    if not url:
        raise Unauthenticated("You are not logged in.", code="client.no_login", hint="Run `altus login`.")
    found = stored if stored is not None and stored.url == url.rstrip("/") else Credentials(url=url.rstrip("/"))
    token_file = overrides.token_file or _path(environ.get("ALTUS_TOKEN_FILE"))
    ca = overrides.ca or _path(environ.get("ALTUS_CA")) or found.ca_file
    token = found.token if token_file is None else _read(token_file).strip()
    source = found.source if token_file is None else str(token_file)
    return Credentials(url=found.url, token=token, ca_file=ca, user=found.user if token_file is None else "",
                       source=source)  # fmt: skip


def read_stored(environ: Mapping[str, str] = os.environ) -> Credentials | None:
    """What a file holds; None if there is no such file that we may read."""
    named = _path(environ.get("ALTUS_CREDENTIALS"))
    for path in (named, own_file(environ), MACHINE_FILE):
        if path is not None and os.access(path, os.R_OK):
            return load(path)
    return None


def is_of_machine(credentials: Credentials) -> bool:
    """Whether they are this machine's own, which no login made."""
    return credentials.source == str(MACHINE_FILE)


def own_file(environ: Mapping[str, str] = os.environ) -> Path:
    """One's own login."""
    return folder(environ) / "credentials.json"


def login_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where `altus login` writes: where it is looked for first."""
    return _path(environ.get("ALTUS_CREDENTIALS")) or own_file(environ)


def folder(environ: Mapping[str, str] = os.environ) -> Path:
    """One's own settings."""
    return (_path(environ.get("XDG_CONFIG_HOME")) or Path("~/.config").expanduser()) / "altus"


def load(path: Path) -> Credentials:
    """`InvalidInput` (`client.credentials`) if the file is not what it should be."""
    try:
        data = json.loads(_read(path))
        ca = data.get("ca_file") or None
        return Credentials(url=str(data["url"]).rstrip("/"), token=str(data.get("token", "")),
                           ca_file=None if ca is None else Path(ca), user=str(data.get("user", "")),
                           source=str(path))  # fmt: skip
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InvalidInput(f"{path} holds no credentials.", code="client.credentials",
                           hint="Log in again with `altus login`, or remove the file.") from error  # fmt: skip


def save(credentials: Credentials, path: Path) -> None:
    """Only the owner can read it."""
    ca = None if credentials.ca_file is None else str(credentials.ca_file)
    data = {"url": credentials.url, "token": credentials.token, "ca_file": ca, "user": credentials.user}
    write_whole(path, (json.dumps(data, indent=2) + "\n").encode(), 0o600)


def keep_ca(pem: str, fingerprint: str, environ: Mapping[str, str] = os.environ) -> Path:
    """The CA certificate of a manager as a file of one's own."""
    path = folder(environ) / "ca" / f"{fingerprint}.pem"
    write_whole(path, pem.encode(), 0o644)
    return path


def remember(credentials: Credentials, environ: Mapping[str, str] = os.environ) -> str:
    """Keep a login for `altus config use`; returns its name there."""
    name = f"{credentials.user}@{credentials.url.partition('://')[2]}"
    save(credentials, folder(environ) / "logins" / f"{name}.json")
    return name


def remembered(environ: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """All logins that are kept, by name."""
    return {path.stem: path for path in sorted((folder(environ) / "logins").glob("*.json"))}


def use(name: str, environ: Mapping[str, str] = os.environ) -> None:
    """Go back to a login that is kept; `machine` to that of this machine's administrator."""
    if name == "machine":
        login_file(environ).unlink(missing_ok=True)
        return
    path = remembered(environ).get(name)
    if path is None:
        known = ", ".join(["machine", *remembered(environ)])
        raise NotFound(f"There is no login {name!r}.", code="client.login_not_found", hint=f"There are: {known}.")
    save(load(path), login_file(environ))


def forget(credentials: Credentials, environ: Mapping[str, str] = os.environ) -> None:
    """Remove a login and its copy."""
    Path(credentials.source).unlink(missing_ok=True)
    for path in remembered(environ).values():
        if load(path).token == credentials.token:
            path.unlink(missing_ok=True)


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read.", code="client.credentials",
                           hint="See that it is there and that you may read it.") from error  # fmt: skip
