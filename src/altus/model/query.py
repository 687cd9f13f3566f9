"""Lists: filter, sort, page by key. What the API takes and the store runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")
MAX_PAGE = 1000


class FilterOp(StrEnum):
    """`:` equal (several values are alternatives), `~` contains, `!` not equal."""

    EQUAL = ":"
    CONTAINS = "~"
    DIFFERENT = "!"


@dataclass(frozen=True)
class Filter:
    """One condition on a field; values as text."""

    field: str
    op: FilterOp
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ListQuery:
    """Conditions (all must hold), order, and where the page starts (`after`: the previous page's `next`)."""

    filters: tuple[Filter, ...] = ()
    sort: str = "id"
    descending: bool = False
    after: str | None = None
    limit: int = 100


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page; `next` is None on the last one."""

    items: list[T]
    next: str | None
