"""Pages by key, never by offset: what is added or removed meanwhile neither repeats nor hides other rows."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from altus.common.errors import InvalidInput
from altus.manager.store.columns import Column, Record
from altus.manager.store.conditions import condition, is_storable
from altus.manager.store.database import Tx
from altus.model.query import MAX_PAGE, ListQuery


def fetch_page(tx: Tx, record: Record[Any], statement: sa.Select[Any], query: ListQuery,
               key: str = "id") -> tuple[list[sa.Row[Any]], str | None]:  # fmt: skip
    """Rows of one page and the cursor of the next, ordered by the sort field, then by `key`.

    `InvalidInput` for a bad limit, sort field, filter or cursor (`list.limit`, `.sort`, `.filter`, `.cursor`).
    """
    if not 1 <= query.limit <= MAX_PAGE:
        raise InvalidInput(f"limit must be from 1 to {MAX_PAGE}.", code="list.limit")
    column = _sortable(record, query.sort)
    sort, unique = record.table.c[query.sort], record.table.c[key]
    for one in query.filters:
        statement = statement.where(condition(record, one))
    if query.after is not None:
        value, last = _decode(query.after, column, record.columns[key])
        beyond = (sort < value) if query.descending else (sort > value)
        further = (unique < last) if query.descending else (unique > last)
        statement = statement.where(sa.or_(beyond, sa.and_(sort == value, further)))
    order = (sort.desc(), unique.desc()) if query.descending else (sort.asc(), unique.asc())
    rows = list(tx.execute(statement.order_by(*order).limit(query.limit + 1)))
    if len(rows) <= query.limit:
        return rows, None
    final = rows[query.limit - 1]._mapping
    return rows[: query.limit], _encode(query.sort, final[query.sort], final[key])


def _sortable(record: Record[Any], name: str) -> Column:
    column = record.columns.get(name)
    if column is None or column.scalar is None or column.nullable:
        known = ", ".join(sorted(n for n, c in record.columns.items() if c.scalar is not None and not c.nullable))
        raise InvalidInput(f"Lists cannot be sorted by {name[:40]!r}.", code="list.sort", hint=f"Sort by: {known}.")
    return column


def _encode(sort: str, value: Any, key: Any) -> str:
    plain = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([sort, plain, key]).encode()).decode().rstrip("=")


def _decode(cursor: str, sort: Column, key: Column) -> tuple[Any, Any]:
    try:
        name, value, last = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return _typed(value, sort, name), _typed(last, key, key.name)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput("The page cursor is not one of ours.", code="list.cursor",
                           hint="Take the page's `next` unchanged, and keep the order.") from error  # fmt: skip


def _typed(value: Any, column: Column, name: Any) -> Any:
    """The value as the column's type; ValueError if it cannot be one of its values, or is another column's."""
    kind = column.scalar
    if kind is datetime:
        value = datetime.fromisoformat(value)
        fits = value.tzinfo is not None
    elif kind is float:
        fits = type(value) in (int, float)
    elif kind in (int, bool):
        fits = type(value) is kind
    else:
        fits = isinstance(value, str)
    if name != column.name or not fits or not is_storable(value):
        raise ValueError("not a value of this column")
    return value
