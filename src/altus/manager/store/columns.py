"""Tables derived from dataclasses: scalars become columns that can be filtered and sorted, the rest JSON text."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcTime(sa.types.TypeDecorator[datetime]):
    """Microseconds since 1970 as an integer: sorts, and keeps its time zone in SQLite too."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        """To the database."""
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """From the database."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


_REMEMBERED = 16_384
"""Rows of a shared table whose values are kept: more than there usually are, since of a table that is read whole, again
and again, none would be left when its turn comes."""
_SCALARS: dict[type, Callable[[], sa.types.TypeEngine[Any]]] = {
    str: lambda: sa.Text(),
    int: lambda: sa.BigInteger().with_variant(sa.Integer(), "sqlite"),  # only INTEGER counts up by itself there
    float: lambda: sa.Float(),
    bool: lambda: sa.Boolean(),
    datetime: lambda: UtcTime(),
}


@dataclasses.dataclass(frozen=True)
class Column:
    """How one field is stored. `scalar` is its Python type; None if it is kept as JSON text."""

    name: str
    type: sa.types.TypeEngine[Any]
    nullable: bool
    dump: Callable[[Any], Any]
    load: Callable[[Any], Any]
    scalar: Any


def _same(value: Any) -> Any:
    return value


def _column(name: str, hint: Any) -> Column:
    inner, nullable = hint, False
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not types.NoneType]
        nullable = len(members) < len(typing.get_args(hint))
        inner = members[0] if len(members) == 1 else hint
    if inner in _SCALARS:
        return Column(name, _SCALARS[inner](), nullable, _same, _same, inner)
    if isinstance(inner, type) and issubclass(inner, StrEnum):
        return Column(name, sa.Text(), nullable, _same, lambda text: None if text is None else inner(text), inner)
    adapter: TypeAdapter[Any] = TypeAdapter(hint)
    return Column(
        name,
        sa.Text(),
        nullable,
        lambda value: None if value is None else adapter.dump_json(value).decode(),
        lambda text: None if text is None else adapter.validate_json(text),
        None,
    )


class Record(Generic[T]):
    """A dataclass and its table.

    `extra` are further columns and constraints which the dataclass does not know of; `omit` are fields kept elsewhere;
    `counted` says that the database numbers the rows by `key` and never gives a number twice; `shared` that nobody can
    change a value, not even what it is made of, so that those read from the same row may be one.
    """

    def __init__(self, metadata: sa.MetaData, name: str, cls: type[T], *extra: sa.schema.SchemaItem,
                 key: str = "id", omit: frozenset[str] = frozenset(), counted: bool = False,
                 shared: bool = False) -> None:  # fmt: skip
        self.cls = cls
        hints = typing.get_type_hints(cls)
        fields = [f.name for f in dataclasses.fields(cls) if f.name not in omit]  # type: ignore[arg-type]
        self.columns = {field: _column(field, hints[field]) for field in fields}
        self._loads = [(field, column.load) for field, column in self.columns.items()]
        self._made = functools.lru_cache(_REMEMBERED)(self._make) if shared else self._make
        # else SQLite gives the number of a deleted newest row again
        options: dict[str, Any] = {"sqlite_autoincrement": True} if counted else {}
        self.table = sa.Table(
            name,
            metadata,
            *(sa.Column(c.name, c.type, primary_key=c.name == key, nullable=c.nullable) for c in self.columns.values()),
            *extra,
            **options,
        )

    def dump(self, value: T) -> dict[str, Any]:
        """The row of a value."""
        return {name: column.dump(getattr(value, name)) for name, column in self.columns.items()}

    def load(self, row: sa.Row[Any]) -> T:
        """The value of a row of the whole table."""
        return self._made(row[: len(self._loads)])

    def _make(self, stored: tuple[Any, ...]) -> T:
        return self.cls(**{name: load(value) for (name, load), value in zip(self._loads, stored, strict=True)})
