"""Hosts, storages and projects: read by those who may, made by enrolment and by the system administrator."""

from __future__ import annotations

import dataclasses

from altus.common.errors import Conflict, InvalidInput
from altus.common.ids import new_id
from altus.common.units import format_size
from altus.manager.services.audit import Act, AuditLog
from altus.manager.services.changes import Change
from altus.manager.services.lookup import visible
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import HOST, POOL, PROJECT, STORAGE
from altus.manager.tasks.declare import TaskType
from altus.manager.tasks.host_forget import HOST_FORGET
from altus.manager.tasks.host_maintain import HOST_ACTIVATE, HOST_MAINTAIN
from altus.manager.tasks.host_renew import HOST_RENEW
from altus.manager.tasks.host_tasks import HOST_REMOVE, HostChange
from altus.model.actor import Actor
from altus.model.cpu_baseline import baselines_of, refusals_of
from altus.model.host import Host
from altus.model.host_action import HostAction
from altus.model.permission import Permission
from altus.model.pool import DEFAULT_POOL, Pool
from altus.model.query import ListQuery, Page
from altus.model.resource import DEFAULT_PROJECT, Resource, utc_now
from altus.model.storage import Storage
from altus.wire import resources as wire

_TASKS: dict[HostAction, TaskType[HostChange]] = {
    HostAction.MAINTAIN: HOST_MAINTAIN,
    HostAction.ACTIVATE: HOST_ACTIVATE,
    HostAction.RENEW: HOST_RENEW,
    HostAction.REMOVE: HOST_REMOVE,
    HostAction.FORGET: HOST_FORGET,
}


class InventoryService:
    """What there is beside VMs and what they are made of."""

    def __init__(self, db: Database, audit: AuditLog) -> None:
        self.db = db
        self.audit = audit

    async def host(self, actor: Actor, reference: str) -> Host:
        """A host by id or name."""
        return await self.db.read(lambda tx: visible(tx, actor, HOST, reference, Permission.HOST_READ))

    async def hosts(self, actor: Actor, query: ListQuery) -> Page[Host]:
        """A page of hosts."""
        actor.require(Permission.HOST_READ)
        return await self.db.read(lambda tx: HOST.page(tx, query))

    async def edit_host(self, actor: Actor, reference: str, body: wire.HostEdit) -> Host:
        """Its pool, its tags and what it keeps for itself: of consequence for what is placed from now on. `Conflict`
        (`pool.cpu_differs`) if it cannot give the CPU of the pool, `InvalidInput` (`host.reserved_too_much`)."""
        act = Act("host.edit", object_name=reference)
        changes = {name: value for name, value in body.model_dump(exclude={"pool"}).items() if value is not None}
        if body.tags is not None:
            changes["tags"] = tuple(dict.fromkeys(body.tags))

        def work(tx: Tx) -> Host:
            host = visible(tx, actor, HOST, reference, Permission.HOST_READ)
            act.about(host)
            actor.require(Permission.HOST_WRITE, project_id=host.project_id, object_id=host.id)
            _require_there(host, body)
            if body.pool is not None:
                changes["pool_id"] = _joined(tx, host, body.pool).id
            return HOST.change(tx, host.id, **changes) or host

        return await self.audit.change(actor, act, work)

    async def change_host(self, actor: Actor, reference: str, action: HostAction) -> Change[HostChange]:
        """Begin or end its maintenance, renew its certificate, let it leave, or give it up as lost."""
        host = await self.host(actor, reference)
        actor.require(Permission.HOST_WRITE, project_id=host.project_id, object_id=host.id)
        return Change(kind=_TASKS[action], arguments=HostChange(host_id=host.id), object_id=host.id,
                      object_name=host.name, project_id=host.project_id)  # fmt: skip

    async def storage(self, actor: Actor, reference: str) -> Storage:
        """A repository by id or name."""
        return await self.db.read(lambda tx: visible(tx, actor, STORAGE, reference, Permission.STORAGE_READ))

    async def storages(self, actor: Actor, query: ListQuery) -> Page[Storage]:
        """A page of repositories."""
        actor.require(Permission.STORAGE_READ)
        return await self.db.read(lambda tx: STORAGE.page(tx, query))

    async def projects(self, actor: Actor, query: ListQuery) -> Page[Resource]:
        """A page of the projects in which the actor may look around."""
        seen = actor.visible_projects(Permission.PROJECT_READ)
        condition = {} if seen is None else {"project_ids": (), "object_ids": seen}
        return await self.db.read(lambda tx: PROJECT.page(tx, query, **condition))

    async def create_project(self, actor: Actor, name: str) -> Resource:
        """A new, empty project."""
        project = Resource(id=new_id(), name=name)

        def work(tx: Tx) -> Resource:
            actor.require(Permission.PROJECT_WRITE)
            return PROJECT.insert(tx, project)

        return await self.audit.change(actor, Act("project.create", project.id, name), work)


def _require_there(host: Host, body: wire.HostEdit) -> None:
    """`InvalidInput` (`host.reserved_too_much`) if it shall keep for itself what it does not have."""
    if host.facts is None:
        return
    threads, memory = host.facts.cpu.threads, host.facts.memory
    if (body.reserved_vcpus or 0) > threads or (body.reserved_memory or 0) > memory:
        raise InvalidInput(f"Host {host.name} has {threads} threads and {format_size(memory)} of memory: it cannot keep"
                           " more for itself.", code="host.reserved_too_much", hint="Keep less.")  # fmt: skip


def _joined(tx: Tx, host: Host, reference: str) -> Pool:
    """The pool, which takes the host as one that comes after all that it has."""
    pool = POOL.find(tx, reference)
    if host.pool_id != pool.id:
        others = HOST.all(tx, HOST.table.c.pool_id == pool.id)
        last = dataclasses.replace(host, pool_id=pool.id, created_at=utc_now())
        if why := refusals_of(baselines_of([pool], [*others, last])).get(host.id):
            raise Conflict(f"Pool {pool.name} cannot take host {host.name}: it {why}.", code="pool.cpu_differs",
                           hint="See `altus pool show`. Another pool, or another CPU model of it, may do.")  # fmt: skip
    return pool


def ensure_defaults(tx: Tx) -> None:
    """The project of everything that names none, and the pool of every host that joins none."""
    if PROJECT.peek(tx, DEFAULT_PROJECT) is None:
        PROJECT.insert(tx, Resource(id=DEFAULT_PROJECT, name="default"))
    if POOL.peek(tx, DEFAULT_POOL) is None:
        POOL.insert(tx, Pool(id=DEFAULT_POOL, name="default"))
