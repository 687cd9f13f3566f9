"""Classification labels and the one rule about combining them (row S2)."""

from __future__ import annotations

from enum import StrEnum

from altus.common.errors import Conflict


class Label(StrEnum):
    """From the least to the most sensitive."""

    OPEN = "open"
    INTERNAL = "internal"
    CONTROLLED = "controlled"
    SECRET = "secret"  # noqa: S105 - the name of a class of documents, not a password


def may_combine(first: Label, *others: Label) -> bool:
    """Whether resources with these labels may be put together: only equal ones may."""
    return others.count(first) == len(others)


def require_combinable(what: str, first: Label, *others: Label) -> None:
    """Refuse `what` (a sentence's subject, such as "Attaching volume web1-data to VM web1") unless labels agree."""
    if not may_combine(first, *others):
        labels = ", ".join(dict.fromkeys([first, *others]))
        raise Conflict(
            f"{what} would combine different classification labels ({labels}).",
            code="label.mismatch",
            hint="Only resources with the same label may be used together.",
        )
