"""What the exit code tells a script, and which error gives which."""

from __future__ import annotations

from enum import IntEnum

from altus.common.errors import (
    AltusError,
    Conflict,
    Forbidden,
    InvalidInput,
    LimitExceeded,
    NotFound,
    Unauthenticated,
    Unavailable,
)


class ExitCode(IntEnum):
    """The same for every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    DENIED = 4
    CONFLICT = 5
    UNAVAILABLE = 6
    INTERRUPTED = 130


EPILOG = (
    "Exit codes: 0 ok, 1 the operation failed, 2 wrong usage or input, 3 not found, 4 not allowed or not logged in, "
    "5 in conflict with the state of things, 6 not reachable now, 130 interrupted (a task goes on)."
)
_BY_CLASS: dict[type[AltusError], ExitCode] = {
    InvalidInput: ExitCode.USAGE,
    NotFound: ExitCode.NOT_FOUND,
    Unauthenticated: ExitCode.DENIED,
    Forbidden: ExitCode.DENIED,
    Conflict: ExitCode.CONFLICT,
    LimitExceeded: ExitCode.CONFLICT,
    Unavailable: ExitCode.UNAVAILABLE,
}


def exit_code_of(error: AltusError) -> ExitCode:
    """By the nearest class in the table."""
    return next((_BY_CLASS[cls] for cls in type(error).__mro__ if cls in _BY_CLASS), ExitCode.FAILED)
