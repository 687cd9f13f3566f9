"""One repository for every kind of resource: each write raises the revision and leaves an event."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from altus.common.errors import Conflict, InvalidInput, NotFound
from altus.manager.store.columns import Record
from altus.manager.store.database import Tx
from altus.manager.store.events import emit
from altus.manager.store.tables import HOSTS, IMAGES, NETWORKS, PROJECTS, STORAGES, VMS, VOLUMES, Event
from altus.model.host import Host
from altus.model.image import Image
from altus.model.network import Network
from altus.model.query import MAX_PAGE, Filter, FilterOp, ListQuery, Page
from altus.model.resource import Resource, utc_now
from altus.model.storage import Storage
from altus.model.vm import Vm
from altus.model.volume import Volume

T = TypeVar("T", bound=Resource)


class Resources(Generic[T]):
    """The rows of one noun."""

    def __init__(self, noun: str, record: Record[T]) -> None:
        self.noun = noun
        self.record = record
        self.table = record.table

    def get(self, tx: Tx, resource_id: str) -> T:
        """By id; `NotFound` (`<noun>.not_found`)."""
        found = self.peek(tx, resource_id)
        if found is None:
            raise self.missing(resource_id)
        return found

    def peek(self, tx: Tx, resource_id: str) -> T | None:
        """By id, None if there is none."""
        row = tx.execute(sa.select(self.table).where(self.table.c.id == resource_id)).one_or_none()
        return None if row is None else self.record.load(row)

    def find(self, tx: Tx, reference: str, project_id: str | None = None) -> T:
        """By id or by name (within `project_id` if given); `NotFound`, or `Conflict` if the name is ambiguous."""
        found = self.peek(tx, reference)
        if found is not None:
            return found
        query = sa.select(self.table).where(self.table.c.name == reference).limit(2)
        if project_id is not None:
            query = query.where(self.table.c.project_id == project_id)
        rows = tx.execute(query).all()
        if not rows:
            raise self.missing(reference)
        if len(rows) > 1:
            raise Conflict(f"More than one {self.noun} is named {reference}.", code=f"{self.noun}.ambiguous",
                           hint="Name it by its id.")  # fmt: skip
        return self.record.load(rows[0])

    def missing(self, reference: str) -> NotFound:
        """The error for a reference that leads nowhere."""
        return NotFound(f"There is no {self.noun} {reference[:80]!r}.", code=f"{self.noun}.not_found",
                        hint=f"See `altus {self.noun} list`.")  # fmt: skip

    def all(self, tx: Tx, *conditions: sa.ColumnElement[bool]) -> list[T]:
        """Every row that meets the conditions, by id."""
        return [self.record.load(r) for r in tx.execute(sa.select(self.table).where(*conditions).order_by("id"))]

    def insert(self, tx: Tx, value: T, **extra: Any) -> T:
        """Add it; a name already used in its project is a `Conflict` (`<noun>.name_taken`)."""
        self.require_free_name(tx, value)
        tx.execute(self.table.insert().values(**self.record.dump(value), **extra))
        self._emit(tx, "created", value)
        return value

    def update(self, tx: Tx, value: T, **extra: Any) -> T:
        """Write it back; its revision must be the stored one (`Conflict` `<noun>.changed`), and is raised."""
        newer = dataclasses.replace(value, revision=value.revision + 1, updated_at=utc_now())
        changed = tx.execute(
            self.table.update()
            .where(self.table.c.id == value.id, self.table.c.revision == value.revision)
            .values(**self.record.dump(newer), **extra)
        )
        if changed.rowcount != 1:
            raise Conflict(f"{self.noun} {value.name} was changed meanwhile.", code=f"{self.noun}.changed",
                           hint="Look at it again and repeat your change.")  # fmt: skip
        self._emit(tx, "updated", newer)
        return newer

    def change(self, tx: Tx, resource_id: str, **fields: Any) -> T | None:
        """Set fields of the stored row if they differ; None if it is gone. For observations and task results."""
        found = self.peek(tx, resource_id)
        if found is None:
            return None
        newer = dataclasses.replace(found, **fields)
        return found if newer == found else self.update(tx, newer)

    def delete(self, tx: Tx, resource_id: str) -> None:
        """Remove it; missing is fine."""
        found = self.peek(tx, resource_id)
        if found is None:
            return
        tx.execute(self.table.delete().where(self.table.c.id == resource_id))
        self._emit(tx, "deleted", found)

    def page(self, tx: Tx, query: ListQuery, project_ids: Iterable[str] | None = None) -> Page[T]:
        """One page by key; `project_ids` limits it to what the asker may see."""
        statement = sa.select(self.table)
        if project_ids is not None:
            statement = statement.where(self.table.c.project_id.in_(list(project_ids)))
        rows, following = fetch_page(tx, self.record, statement, query)
        return Page([self.record.load(row) for row in rows], following)

    def require_free_name(self, tx: Tx, value: T) -> None:
        """`Conflict` (`<noun>.name_taken`) if another one in its project has this name."""
        taken = sa.select(self.table.c.id).where(
            self.table.c.project_id == value.project_id,
            self.table.c.name == value.name,
            self.table.c.id != value.id,
        )
        if tx.execute(taken).first() is not None:
            raise Conflict(f"A {self.noun} named {value.name} exists already.", code=f"{self.noun}.name_taken",
                           hint="Choose another name.")  # fmt: skip

    def _emit(self, tx: Tx, verb: str, value: T) -> None:
        data = {"name": value.name, "revision": value.revision}
        if hasattr(value, "state"):
            data["state"] = value.state
        emit(tx, Event(kind=f"{self.noun}.{verb}", noun=self.noun, object_id=value.id, project_id=value.project_id,
                       data=data))  # fmt: skip


def fetch_page(tx: Tx, record: Record[Any], statement: sa.Select[Any], query: ListQuery,
               key: str = "id") -> tuple[list[sa.Row[Any]], str | None]:  # fmt: skip
    """Rows of one page and the cursor of the next: ordered by the sort field, then by `key`, never by offset."""
    if not 1 <= query.limit <= MAX_PAGE:
        raise InvalidInput(f"limit must be from 1 to {MAX_PAGE}.", code="list.limit")
    sort, unique = _sortable(record, query.sort), record.table.c[key]
    for condition in query.filters:
        statement = statement.where(_condition(record, condition))
    if query.after is not None:
        value, last = _decode_cursor(record, query.sort, query.after)
        beyond = (sort < value) if query.descending else (sort > value)
        further = (unique < last) if query.descending else (unique > last)
        statement = statement.where(sa.or_(beyond, sa.and_(sort == value, further)))
    order = (sort.desc(), unique.desc()) if query.descending else (sort.asc(), unique.asc())
    rows = list(tx.execute(statement.order_by(*order).limit(query.limit + 1)))
    if len(rows) <= query.limit:
        return rows, None
    final = rows[query.limit - 1]._mapping
    return rows[: query.limit], _encode_cursor(final[query.sort], final[key])


def _sortable(record: Record[Any], name: str) -> sa.Column[Any]:
    column = record.columns.get(name)
    if column is None or not column.scalar or column.nullable:
        known = ", ".join(sorted(n for n, c in record.columns.items() if c.scalar and not c.nullable))
        raise InvalidInput(f"Lists cannot be sorted by {name[:40]!r}.", code="list.sort", hint=f"Sort by: {known}.")
    return record.table.c[name]


def _condition(record: Record[Any], condition: Filter) -> sa.ColumnElement[bool]:
    column = record.columns.get(condition.field)
    if column is None:
        known = ", ".join(sorted(record.columns))
        raise InvalidInput(f"Lists cannot be filtered by {condition.field[:40]!r}.", code="list.filter",
                           hint=f"Filter by: {known}.")  # fmt: skip
    stored = sa.cast(record.table.c[condition.field], sa.Text)
    if condition.op is FilterOp.EQUAL:
        return stored.in_(condition.values)
    if condition.op is FilterOp.DIFFERENT:
        return stored.not_in(condition.values)
    return sa.or_(*(stored.icontains(value, autoescape=True) for value in condition.values))


def _encode_cursor(value: Any, key: Any) -> str:
    plain = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([plain, key]).encode()).decode().rstrip("=")


def _decode_cursor(record: Record[Any], sort: str, cursor: str) -> tuple[Any, Any]:
    try:
        value, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        timed = "datetime" in str(record.table.c[sort].type.python_type) or sort.endswith("_at")
        return (datetime.fromisoformat(value) if timed else value), key
    except (ValueError, TypeError) as error:
        raise InvalidInput("The page cursor is not one of ours.", code="list.cursor",
                           hint="Take `next` of the previous page unchanged.") from error  # fmt: skip


VM = Resources[Vm]("vm", VMS)
VOLUME = Resources[Volume]("volume", VOLUMES)
IMAGE = Resources[Image]("image", IMAGES)
NETWORK = Resources[Network]("network", NETWORKS)
STORAGE = Resources[Storage]("storage", STORAGES)
HOST = Resources[Host]("host", HOSTS)
PROJECT = Resources[Resource]("project", PROJECTS)
