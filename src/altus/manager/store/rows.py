"""Rows of things that have an id but no project or label: accounts, groups, grants, sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa

from altus.common.errors import Conflict, NotFound
from altus.manager.store.columns import Record
from altus.manager.store.conditions import is_storable
from altus.manager.store.database import Tx
from altus.manager.store.paging import fetch_page
from altus.model.query import ListQuery, Page
from altus.model.resource import utc_now

T = TypeVar("T")


class Rows(Generic[T]):
    """The rows of one noun. `listing` is the command that shows them, for hints."""

    def __init__(self, noun: str, record: Record[T], listing: str) -> None:
        self.noun = noun
        self.record = record
        self.table = record.table
        self.listing = listing

    def peek(self, tx: Tx, row_id: str) -> T | None:
        """By id, None if there is none."""
        return self.first(tx, self.table.c.id == row_id) if is_storable(row_id) else None

    def get(self, tx: Tx, row_id: str) -> T:
        """By id; `NotFound` (`<noun>.not_found`)."""
        found = self.peek(tx, row_id)
        if found is None:
            raise self.missing(row_id)
        return found

    def find(self, tx: Tx, reference: str) -> T:
        """By id or by its unique name; `NotFound`."""
        found = self.peek(tx, reference)
        if found is None and is_storable(reference):
            found = self.first(tx, self.table.c.name == reference)
        if found is None:
            raise self.missing(reference)
        return found

    def first(self, tx: Tx, *conditions: sa.ColumnElement[bool]) -> T | None:
        """The first that meets the conditions."""
        row = tx.execute(sa.select(self.table).where(*conditions).limit(1)).one_or_none()
        return None if row is None else self.record.load(row)

    def all(self, tx: Tx, *conditions: sa.ColumnElement[bool]) -> list[T]:
        """All that meet the conditions, oldest first."""
        rows = tx.execute(sa.select(self.table).where(*conditions).order_by(self.table.c.id))
        return [self.record.load(row) for row in rows]

    def count(self, tx: Tx, *conditions: sa.ColumnElement[bool]) -> int:
        """How many meet the conditions."""
        return int(tx.execute(sa.select(sa.func.count()).select_from(self.table).where(*conditions)).scalar_one())

    def page(self, tx: Tx, query: ListQuery, *conditions: sa.ColumnElement[bool]) -> Page[T]:
        """One page by key."""
        rows, following = fetch_page(tx, self.record, sa.select(self.table).where(*conditions), query)
        return Page([self.record.load(row) for row in rows], following)

    def insert(self, tx: Tx, value: T, **extra: Any) -> T:
        """Add it; `extra` are columns that the value does not hold."""
        tx.execute(self.table.insert().values(self.record.dump(value) | extra))
        return value

    def set(self, tx: Tx, row_id: str, **values: Any) -> None:
        """Set single fields without a new revision: counters and times."""
        columns = self.record.columns
        stored = {name: columns[name].dump(value) for name, value in values.items()}
        tx.execute(self.table.update().where(self.table.c.id == row_id).values(stored))

    def edit(self, tx: Tx, value: T, *, expected: int | None = None, **changes: Any) -> T:
        """Change fields, raise the revision; `Conflict` (`<noun>.changed`) if it is not at the `expected` one."""
        current: int = getattr(value, "revision")  # noqa: B009 - not every T has one; those who edit do
        if expected is not None and expected != current:
            raise Conflict(f"The {self.noun} was changed meanwhile.", code=f"{self.noun}.changed",
                           hint="Look at it again, then repeat the change.")  # fmt: skip
        newer: T = replace(cast("Any", value), **changes, revision=current + 1, updated_at=utc_now())
        row = self.record.dump(newer)
        tx.execute(self.table.update().where(self.table.c.id == row["id"]).values(row))
        return newer

    def delete(self, tx: Tx, *conditions: sa.ColumnElement[bool]) -> int:
        """Remove all that meet the conditions; returns how many."""
        return tx.execute(self.table.delete().where(*conditions)).rowcount

    def require_free_name(self, tx: Tx, name: str) -> None:
        """`Conflict` (`<noun>.name_taken`) if there is one of this name."""
        if self.first(tx, self.table.c.name == name) is not None:
            raise Conflict(f"A {self.noun} named {name} exists already.", code=f"{self.noun}.name_taken",
                           hint="Choose another name.")  # fmt: skip

    def missing(self, reference: str) -> NotFound:
        """The error for a reference that leads nowhere."""
        return NotFound(f"There is no {self.noun} {reference[:80]!r}.", code=f"{self.noun}.not_found",
                        hint=f"See `{self.listing}`.")  # fmt: skip
