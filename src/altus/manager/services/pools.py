"""Pools of hosts: made and changed by the system administrator, at once."""

from __future__ import annotations

import dataclasses

from altus.common.errors import Conflict
from altus.common.ids import new_id
from altus.manager.services.audit import Act, AuditLog
from altus.manager.services.lookup import visible
from altus.manager.store.accounts import GRANT, GRANTS, TOKEN, TOKENS
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import HOST, POOL
from altus.model.actor import Actor
from altus.model.permission import Permission, ScopeKind
from altus.model.pool import DEFAULT_POOL, Pool
from altus.model.query import ListQuery, Page
from altus.wire import pools as wire


class PoolService:
    """Every host belongs to one pool; there is always the default one."""

    def __init__(self, db: Database, audit: AuditLog) -> None:
        self.db = db
        self.audit = audit

    async def get(self, actor: Actor, reference: str) -> Pool:
        """By id or name."""
        return await self.db.read(lambda tx: visible(tx, actor, POOL, reference, Permission.POOL_READ))

    async def page(self, actor: Actor, query: ListQuery) -> Page[Pool]:
        """A page of pools."""
        actor.require(Permission.POOL_READ)
        return await self.db.read(lambda tx: POOL.page(tx, query))

    async def create(self, actor: Actor, body: wire.PoolCreate) -> Pool:
        """A new one. `Conflict` (`pool.scoped_rights`) while rights are limited to the only pool there was."""
        pool = Pool(id=new_id(), name=body.name, vcpu_ratio=body.vcpu_ratio, memory_ratio=body.memory_ratio)

        def work(tx: Tx) -> Pool:
            actor.require(Permission.POOL_WRITE)
            if GRANT.count(tx, GRANTS.table.c.scope_kind == ScopeKind.POOL) or TOKEN.count(
                tx, TOKENS.table.c.scope_kind == ScopeKind.POOL
            ):
                raise Conflict("There are grants or tokens for the only pool, which would cover the new one too.",
                               code="pool.scoped_rights", hint="Limit them to projects first.")  # fmt: skip
            return POOL.insert(tx, pool)

        return await self.audit.change(actor, Act("pool.create", pool.id, pool.name), work)

    async def edit(self, actor: Actor, reference: str, body: wire.PoolEdit) -> Pool:
        """Its name and what it promises."""
        act = Act("pool.edit", object_name=reference)
        changes = {name: value for name, value in body.model_dump().items() if value is not None}

        def work(tx: Tx) -> Pool:
            pool = visible(tx, actor, POOL, reference, Permission.POOL_READ)
            act.about(pool)
            actor.require(Permission.POOL_WRITE, object_id=pool.id)
            POOL.require_free_name(tx, dataclasses.replace(pool, **changes))
            return POOL.change(tx, pool.id, **changes) or pool

        return await self.audit.change(actor, act, work)

    async def delete(self, actor: Actor, reference: str) -> None:
        """Remove one without hosts. `Conflict` (`pool.in_use`, `pool.default`)."""
        act = Act("pool.delete", object_name=reference)

        def work(tx: Tx) -> None:
            pool = visible(tx, actor, POOL, reference, Permission.POOL_READ)
            act.about(pool)
            actor.require(Permission.POOL_WRITE, object_id=pool.id)
            if why := undeletable(pool, [host.name for host in HOST.all(tx, HOST.table.c.pool_id == pool.id)]):
                raise Conflict(why, code="pool.in_use", hint="Move its hosts first: `altus host edit --pool`.")
            POOL.delete(tx, pool.id)

        await self.audit.change(actor, act, work)


def undeletable(pool: Pool, hosts: list[str]) -> str:
    """Why the pool has to stay, as a sentence; empty if it need not."""
    if pool.id == DEFAULT_POOL:
        return "The default pool stays."
    return f"Pool {pool.name} has hosts: {', '.join(sorted(hosts)[:5])}." if hosts else ""
