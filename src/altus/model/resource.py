"""What every resource has in common, and the rule for names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from altus.common.errors import InvalidInput
from altus.model.label import Label

DEFAULT_PROJECT = "00000000-0000-7000-8000-000000000001"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
NAME_RULE = "1-63 letters, digits, dots, dashes or underscores, starting with a letter or a digit"
_NAME = re.compile(NAME_PATTERN.rstrip("$") + r"\Z")


def utc_now() -> datetime:
    """Now, in UTC, with microseconds."""
    return datetime.now(UTC)


def check_name(name: str) -> str:
    """`name` itself if it follows NAME_RULE; `InvalidInput` otherwise."""
    if not _NAME.match(name):
        raise InvalidInput(f"{name[:80]!r} is not a valid name.", code="name.invalid", hint=f"A name is {NAME_RULE}.")
    return name


@dataclass(frozen=True, kw_only=True)
class Resource:
    """Anything with an id, a name, a project and a classification label. Times are UTC.

    `revision` counts the changes of the resource and guards concurrent edits.
    """

    id: str
    name: str
    project_id: str = DEFAULT_PROJECT
    label: Label = Label.OPEN
    created_at: datetime = field(default_factory=utc_now)
    updated_at: datetime = field(default_factory=utc_now)
    revision: int = 1
