"""Security policies: every value declared once, with its range (row S8). The security administrator changes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from altus.common.errors import InvalidInput


def _limited(default: int, least: int, most: int) -> int:
    value: int = dataclasses.field(default=default, metadata={"least": least, "most": most})
    return value


@dataclass(frozen=True, kw_only=True)
class PasswordPolicy:
    """What a password must be, and when guessing ends.

    `min_classes` of lower case, upper case, digits, others. `history`: so many former passwords may not come back.
    `max_age_days` 0: a password does not age. `lockout_attempts` failures lock the account for `lockout_minutes`.
    """

    name: ClassVar[str] = "password"
    min_length: int = _limited(12, 8, 128)
    min_classes: int = _limited(3, 1, 4)
    forbid_name: bool = True
    forbid_common: bool = True
    history: int = _limited(5, 0, 24)
    max_age_days: int = _limited(0, 0, 3650)
    lockout_attempts: int = _limited(5, 3, 100)
    lockout_minutes: int = _limited(15, 1, 1440)


@dataclass(frozen=True, kw_only=True)
class SessionPolicy:
    """How long and how often somebody is logged in. Beyond `sessions_per_account` the oldest session ends."""

    name: ClassVar[str] = "session"
    idle_minutes: int = _limited(30, 1, 1440)
    absolute_hours: int = _limited(12, 1, 720)
    sessions_per_account: int = _limited(10, 1, 1000)
    tokens_per_account: int = _limited(50, 1, 1000)
    token_max_days: int = _limited(365, 1, 3650)


P = TypeVar("P", bound=PasswordPolicy | SessionPolicy)


def changed(policy: P, changes: Mapping[str, Any]) -> P:
    """The policy with some values replaced; `InvalidInput` (`policy.field`, `policy.value`) for unknown fields, wrong
    types and values out of range."""
    known = {field.name: field for field in dataclasses.fields(policy)}
    for key, value in changes.items():
        if key not in known:
            raise InvalidInput(f"The {policy.name} policy has no value {key[:40]!r}.", code="policy.field",
                               hint=f"It has: {', '.join(known)}.")  # fmt: skip
        _check(policy.name, known[key], value)
    return dataclasses.replace(policy, **changes)


def _check(policy: str, field: dataclasses.Field[Any], value: Any) -> None:
    expected = type(field.default)
    limits = field.metadata
    if type(value) is expected and (not limits or limits["least"] <= value <= limits["most"]):
        return
    allowed = f"a whole number from {limits['least']} to {limits['most']}" if limits else "true or false"
    raise InvalidInput(f"{field.name} of the {policy} policy cannot be {str(value)[:40]!r}.", code="policy.value",
                       hint=f"It is {allowed}.")  # fmt: skip
