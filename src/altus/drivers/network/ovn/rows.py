"""One OVSDB transaction as the rest of this driver sees it: look rows up, add them, set what differs.

The rows of `ovs.db.idl` carry no types, so they are `Any` here and nowhere outside this package.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ovsdbapp.backend.ovs_idl import idlutils

Row = Any
"""A row of `ovs.db.idl`: its columns are attributes, its `uuid` names it."""


def _plain(value: Any) -> Any:
    """A value in the one form in which two of a column can be compared: optional and set columns have no order."""
    if isinstance(value, dict):
        return value
    return frozenset(value) if isinstance(value, (list, tuple, set)) else frozenset((value,))


class Rows:
    """The tables within one transaction. Work that is given one may be run again, so it must hold no state."""

    def __init__(self, idl: Any, transaction: Any) -> None:
        self._idl = idl
        self._transaction = transaction

    def all(self, table: str) -> Iterator[Row]:
        """Every row of a table."""
        return iter(list(self._idl.tables[table].rows.values()))

    def named(self, table: str, name: str) -> Row | None:
        """The row of this name, by index."""
        return idlutils.row_by_value(self._idl, table, "name", name, None)

    def add(self, table: str, **columns: Any) -> Row:
        """A new row."""
        row = self._transaction.insert(self._idl.tables[table])
        for column, value in columns.items():
            setattr(row, column, value)
        return row

    def put(self, row: Row, **columns: Any) -> None:
        """Set those columns that differ."""
        for column, value in columns.items():
            # a row of this same transaction has no value yet where none was given
            if not hasattr(row, column) or _plain(getattr(row, column)) != _plain(value):
                setattr(row, column, value)

    def merge(self, row: Row, column: str, values: dict[str, str]) -> None:
        """Set those keys of a map column that differ; other people's keys stay."""
        current = getattr(row, column)
        for key, value in values.items():
            if current.get(key) != value:
                row.setkey(column, key, value)

    def ensure(self, table: str, name: str, **columns: Any) -> tuple[Row, bool]:
        """The row of this name with these columns, and whether it is new."""
        row = self.named(table, name)
        if row is None:
            return self.add(table, name=name, **columns), True
        self.put(row, **columns)
        return row, False

    def remove(self, row: Row | None, parent: Row | None = None, column: str = "") -> None:
        """Delete a row, and its reference in the parent that keeps it."""
        if row is None:
            return
        if parent is not None:
            parent.delvalue(column, row)
        row.delete()
