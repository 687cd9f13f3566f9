"""One repository for every kind of resource: each write raises the revision and leaves an event."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from altus.common.errors import Conflict, NotFound
from altus.manager.store.columns import Record
from altus.manager.store.conditions import is_storable
from altus.manager.store.database import Tx
from altus.manager.store.events import emit
from altus.manager.store.paging import fetch_page
from altus.manager.store.tables import (
    FLOATING_IPS,
    FORWARDS,
    HOSTS,
    IMAGES,
    NETWORKS,
    POOLS,
    PROJECTS,
    ROUTERS,
    SECURITY_GROUPS,
    SNAPSHOT_SCHEDULES,
    SNAPSHOTS,
    STORAGES,
    VMS,
    VOLUMES,
    Event,
)
from altus.model.floating_ip import FloatingIp
from altus.model.forward import Forward
from altus.model.host import Host, require_transition
from altus.model.image import Image
from altus.model.network import Network
from altus.model.pool import Pool
from altus.model.query import ListQuery, Page
from altus.model.resource import Resource, utc_now
from altus.model.router import Router
from altus.model.security_group import SecurityGroup
from altus.model.snapshot import Snapshot
from altus.model.snapshot_schedule import SnapshotSchedule
from altus.model.storage import Storage
from altus.model.vm import Vm
from altus.model.volume import Volume

T = TypeVar("T", bound=Resource)


class Resources(Generic[T]):
    """The rows of one noun. Its commonest statements are made once: making one costs more than running it."""

    def __init__(self, noun: str, record: Record[T]) -> None:
        self.noun = noun
        self.title = noun.replace("_", " ")
        self.record = record
        self.table = record.table
        columns = self.table.c
        own = columns.id == sa.bindparam("own_id")
        self._select = sa.select(self.table).where(own)
        self._select_all = sa.select(self.table).order_by("id")
        self._insert = self.table.insert()
        self._update = self.table.update().where(own, columns.revision == sa.bindparam("own_revision"))
        self._select_namesake = sa.select(columns.id).where(
            columns.project_id == sa.bindparam("own_project"),
            columns.name == sa.bindparam("own_name"),
            columns.id != sa.bindparam("own_id"),
        )

    def get(self, tx: Tx, resource_id: str) -> T:
        """By id; `NotFound` (`<noun>.not_found`)."""
        found = self.peek(tx, resource_id)
        if found is None:
            raise self.missing(resource_id)
        return found

    def peek(self, tx: Tx, resource_id: str) -> T | None:
        """By id, None if there is none."""
        if not is_storable(resource_id):
            return None
        row = tx.execute(self._select, {"own_id": resource_id}).one_or_none()
        return None if row is None else self.record.load(row)

    def find(self, tx: Tx, reference: str, visible: Callable[[T], bool] = lambda _found: True) -> T:
        """By id or by name, among those which are `visible`; `NotFound`, or `Conflict` if the name is ambiguous."""
        by_id = self.peek(tx, reference)
        if by_id is not None and visible(by_id):
            return by_id
        named = self.all(tx, self.table.c.name == reference) if is_storable(reference) else []
        found = [one for one in named if visible(one)]
        if not found:
            raise self.missing(reference)
        if len(found) > 1:
            raise Conflict(f"More than one {self.title} is named {reference}.", code=f"{self.noun}.ambiguous",
                           hint="Name it by its id.")  # fmt: skip
        return found[0]

    def missing(self, reference: str) -> NotFound:
        """The error for a reference that leads nowhere."""
        return NotFound(f"There is no {self.title} {reference[:80]!r}.", code=f"{self.noun}.not_found",
                        hint=f"See `altus {self.noun.replace('_', '-')} list`.")  # fmt: skip

    def all(self, tx: Tx, *conditions: sa.ColumnElement[bool]) -> list[T]:
        """Every row that meets the conditions, by id."""
        statement = self._select_all.where(*conditions) if conditions else self._select_all
        return [self.record.load(row) for row in tx.execute(statement)]

    def insert(self, tx: Tx, value: T, **extra: Any) -> T:
        """Add it; a name already used in its project is a `Conflict` (`<noun>.name_taken`)."""
        self.require_free_name(tx, value)
        tx.execute(self._insert, self.record.dump(value) | extra)
        self._emit(tx, "created", value)
        return value

    def update(self, tx: Tx, value: T, **extra: Any) -> T:
        """Write it back; its revision must be the stored one (`Conflict` `<noun>.changed`), and is raised."""
        newer = dataclasses.replace(value, revision=value.revision + 1, updated_at=utc_now())
        which = {"own_id": value.id, "own_revision": value.revision}
        if tx.execute(self._update, self.record.dump(newer) | extra | which).rowcount != 1:
            raise Conflict(f"{self.title} {value.name} was changed meanwhile.", code=f"{self.noun}.changed",
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

    def page(self, tx: Tx, query: ListQuery, project_ids: Iterable[str] | None = None,
             object_ids: Iterable[str] = ()) -> Page[T]:  # fmt: skip
        """One page by key; `project_ids` limits it to what the asker may see, to which `object_ids` are added."""
        statement = sa.select(self.table)
        if project_ids is not None:
            seen = self.table.c.project_id.in_(list(project_ids)) | self.table.c.id.in_(list(object_ids))
            statement = statement.where(seen)
        rows, following = fetch_page(tx, self.record, statement, query)
        return Page([self.record.load(row) for row in rows], following)

    def require_free_name(self, tx: Tx, value: T) -> None:
        """`Conflict` (`<noun>.name_taken`) if another one in its project has this name."""
        who = {"own_project": value.project_id, "own_name": value.name, "own_id": value.id}
        if tx.execute(self._select_namesake, who).first() is not None:
            raise Conflict(f"A {self.title} named {value.name} exists already.", code=f"{self.noun}.name_taken",
                           hint="Choose another name.")  # fmt: skip

    def _emit(self, tx: Tx, verb: str, value: T) -> None:
        data = {"name": value.name, "revision": value.revision}
        if hasattr(value, "state"):
            data["state"] = value.state
        emit(tx, Event(kind=f"{self.noun}.{verb}", noun=self.noun, object_id=value.id, project_id=value.project_id,
                       data=data))  # fmt: skip


class Hosts(Resources[Host]):
    """The rows of hosts, whose states follow one another only as `model/host.py` allows."""

    def update(self, tx: Tx, value: Host, **extra: Any) -> Host:
        """See `Resources.update`; `Conflict` (`host.transition`)."""
        require_transition(self.get(tx, value.id), value.state)
        return super().update(tx, value, **extra)


class Snapshots(Resources[Snapshot]):
    """The rows of snapshots, whose names are unique among those of their VM."""

    def of(self, tx: Tx, vm_id: str) -> list[Snapshot]:
        """A VM's, by id."""
        return self.all(tx, self.table.c.vm_id == vm_id)

    def delete_of(self, tx: Tx, vm_id: str) -> None:
        """Remove a VM's; on storage they go with its volumes."""
        for one in self.of(tx, vm_id):
            self.delete(tx, one.id)

    def page_of(self, tx: Tx, vm_id: str, query: ListQuery) -> Page[Snapshot]:
        """One page of a VM's."""
        statement = sa.select(self.table).where(self.table.c.vm_id == vm_id)
        rows, following = fetch_page(tx, self.record, statement, query)
        return Page([self.record.load(row) for row in rows], following)

    def require_free_name(self, tx: Tx, value: Snapshot) -> None:
        """See `Resources.require_free_name`."""
        if any(one.name == value.name and one.id != value.id for one in self.of(tx, value.vm_id)):
            raise Conflict(f"The VM has a snapshot named {value.name} already.", code="snapshot.name_taken",
                           hint="Choose another name.")  # fmt: skip


VM = Resources[Vm]("vm", VMS)
VOLUME = Resources[Volume]("volume", VOLUMES)
SNAPSHOT = Snapshots("snapshot", SNAPSHOTS)
SNAPSHOT_SCHEDULE = Resources[SnapshotSchedule]("snapshot_schedule", SNAPSHOT_SCHEDULES)
IMAGE = Resources[Image]("image", IMAGES)
NETWORK = Resources[Network]("network", NETWORKS)
SECURITY_GROUP = Resources[SecurityGroup]("security_group", SECURITY_GROUPS)
FLOATING_IP = Resources[FloatingIp]("floating_ip", FLOATING_IPS)
FORWARD = Resources[Forward]("forward", FORWARDS)
ROUTER = Resources[Router]("router", ROUTERS)
STORAGE = Resources[Storage]("storage", STORAGES)
HOST = Hosts("host", HOSTS)
POOL = Resources[Pool]("pool", POOLS)
PROJECT = Resources[Resource]("project", PROJECTS)
