"""Errors say what failed, why, and what to do, under a stable code.

A class says *whose* fault it is and so, in one place (`manager/api/errors.py`), which HTTP status it becomes.
The code names the case for programs (`vm.name_taken`); message and hint are for people.
"""

from __future__ import annotations

from typing import Any, ClassVar


class AltusError(Exception):
    """Base of all errors that Altus raises on purpose.

    `code` is stable and dotted; `hint` says what to do; `context` holds plain values for programs, never secrets.
    """

    kind: ClassVar[str] = "failed"
    default_code: ClassVar[str] = "failed"

    def __init__(self, message: str, *, code: str = "", hint: str = "", **context: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint
        self.context = context

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form that crosses processes; `from_dict` reads it back."""
        return {
            "kind": self.kind,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "context": self.context,
        }


class InvalidInput(AltusError):
    """The request itself is wrong; sending it again changes nothing."""

    kind = default_code = "invalid"


class Unauthenticated(AltusError):
    """Nobody proved who is asking."""

    kind = default_code = "unauthenticated"


class Forbidden(AltusError):
    """Who is asking may not."""

    kind = default_code = "forbidden"


class NotFound(AltusError):
    """What was named does not exist."""

    kind = default_code = "not_found"


class Conflict(AltusError):
    """The request is sound but not in this state of things."""

    kind = default_code = "conflict"


class LimitExceeded(AltusError):
    """A quota, capacity or rate does not allow it."""

    kind = default_code = "limit_exceeded"


class Unavailable(AltusError):
    """Something we need does not answer now; the same request may succeed later."""

    kind = default_code = "unavailable"


class Failed(AltusError):
    """An operation on a host, a disk or a guest failed."""

    kind = default_code = "failed"


class Cancelled(AltusError):
    """Somebody asked for the work to end."""

    kind = default_code = "cancelled"


class Internal(AltusError):
    """A fault of ours. The message never holds internals; the log does."""

    kind = default_code = "internal"


_KINDS: dict[str, type[AltusError]] = {
    cls.kind: cls
    for cls in (
        InvalidInput, Unauthenticated, Forbidden, NotFound, Conflict, LimitExceeded, Unavailable, Failed, Cancelled,
        Internal,
    )
}  # fmt: skip


def from_dict(data: dict[str, Any]) -> AltusError:
    """The error that `AltusError.to_dict` described; an unknown kind becomes `Failed`."""
    cls = _KINDS.get(str(data.get("kind")), Failed)
    return cls(
        str(data.get("message", "unknown error")),
        code=str(data.get("code", "")),
        hint=str(data.get("hint", "")),
        **dict(data.get("context") or {}),
    )
