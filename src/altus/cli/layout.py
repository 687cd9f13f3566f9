"""How a kind of thing looks in a table: its columns, and more lines when it is shown alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Ref:
    """An id that is shown as the name which it stands for."""

    noun: str
    id: str | None


Cell = str | int | Ref | None
Column = tuple[str, Callable[[T], Cell]]
"""A title and what stands below it."""


@dataclass(frozen=True)
class Layout(Generic[T]):
    """`columns` in lists; `details` are added when it is shown alone."""

    columns: tuple[Column[T], ...]
    details: tuple[Column[T], ...] = ()


def refs_of(rows: list[list[Cell]]) -> set[str]:
    """The nouns whose names are needed."""
    return {cell.noun for row in rows for cell in row if isinstance(cell, Ref) and cell.id}


def resolved(cell: Cell, names: dict[str, dict[str, str]]) -> str:
    """As text; an id whose name is not known stays an id."""
    if isinstance(cell, Ref):
        return names.get(cell.noun, {}).get(cell.id, cell.id) if cell.id else ""
    return "" if cell is None else str(cell)


AnyLayout = Layout[Any]
