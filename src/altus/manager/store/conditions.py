"""Filters of lists as SQL, the same on both databases.

Values come as text and are read as the field's type: `true`, `17`, `2026-11-21T10:00:00Z`, or one of an enum's words.
An empty text stands for "not set". Fields kept as JSON (tags, addresses) are compared by their elements. `~` ignores
the case of ASCII letters.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from altus.common.errors import InvalidInput
from altus.manager.store.columns import Column, Record
from altus.model.query import Filter, FilterOp

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_LARGEST = 2**63


def condition(record: Record[Any], wanted: Filter) -> sa.ColumnElement[bool]:
    """What must hold for a row; `InvalidInput` (`list.filter`) for an unknown field or a value it cannot have."""
    column = record.columns.get(wanted.field)
    if column is None:
        known = ", ".join(sorted(record.columns))
        raise InvalidInput(f"Lists cannot be filtered by {wanted.field[:40]!r}.", code="list.filter",
                           hint=f"Filter by: {known}.")  # fmt: skip
    stored = record.table.c[wanted.field]
    for text in wanted.values:
        if not is_storable(text):
            raise _unfit(column, text, "a text without NUL characters")
    if wanted.op is FilterOp.CONTAINS:
        return _contains(column, stored, wanted.values)
    matches = _matches(column, stored, wanted.values)
    return sa.not_(matches) if wanted.op is FilterOp.DIFFERENT else matches


def is_storable(value: Any) -> bool:
    """Whether both databases can take the value at all."""
    if isinstance(value, int):
        return -_LARGEST <= value < _LARGEST
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    return True


def _contains(column: Column, stored: sa.Column[Any], values: Sequence[str]) -> sa.ColumnElement[bool]:
    if column.scalar in (int, float, bool, datetime):
        raise InvalidInput(f"{column.name} is no text, so `~` does not apply to it.", code="list.filter",
                           hint=f"Ask for a value: {column.name}:….")  # fmt: skip
    if column.scalar is None:  # inside JSON, special characters are escaped
        values = [json.dumps(text, ensure_ascii=False)[1:-1] for text in values]
    return sa.or_(sa.false(), *(stored.icontains(text, autoescape=True) for text in values))


def _matches(column: Column, stored: sa.Column[Any], values: Sequence[str]) -> sa.ColumnElement[bool]:
    """Never unknown (NULL), so that its negation is the rest."""
    unset = column.nullable and "" in values
    wanted = [text for text in values if not (column.nullable and text == "")]
    if column.scalar is None:
        elements = (json.dumps(text, ensure_ascii=False) for text in wanted)
        # LIKE would ignore the case in SQLite only
        found = sa.or_(sa.false(), *(sa.func.replace(stored, text, "") != stored for text in elements))
    else:
        found = stored.in_([_read(column, text) for text in wanted])
    if not column.nullable:
        return found
    return sa.or_(stored.is_(None), found) if unset else sa.and_(stored.is_not(None), found)


def _read(column: Column, text: str) -> Any:
    kind = column.scalar
    if kind is bool:
        return _read_bool(column, text)
    if kind is datetime:
        return _read_time(column, text)
    if kind in (int, float):
        return _read_number(column, kind, text)
    if kind is not None and issubclass(kind, StrEnum) and text not in list(kind):
        raise _unfit(column, text, "one of " + ", ".join(kind))
    return text


def _read_bool(column: Column, text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError as error:
        raise _unfit(column, text, "true or false") from error


def _read_time(column: Column, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _unfit(column, text, "a time such as 2026-11-21T10:00:00Z") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _read_number(column: Column, kind: Any, text: str) -> Any:
    try:
        number = kind(text)
    except ValueError as error:
        raise _unfit(column, text, "a number") from error
    if not is_storable(number):
        raise _unfit(column, text, "a number of 64 bits")
    return number


def _unfit(column: Column, text: str, expected: str) -> InvalidInput:
    return InvalidInput(f"{column.name} cannot be {text[:40]!r}.", code="list.filter", hint=f"It is {expected}.")
