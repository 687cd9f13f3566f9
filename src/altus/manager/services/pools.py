"""Pools of hosts: made and changed by the system administrator, at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from altus.common.errors import Conflict
from altus.common.ids import new_id
from altus.manager.services.audit import Act, AuditLog
from altus.manager.services.lookup import visible
from altus.manager.store.accounts import GRANT, GRANTS, TOKEN, TOKENS
from altus.manager.store.database import Database, Tx
from altus.manager.store.floating_ips import require_outside
from altus.manager.store.resources import HOST, POOL, VM
from altus.model.actor import Actor
from altus.model.cpu_baseline import CpuBaseline, baselines_of, refusals_of, require_known_model
from altus.model.host import Host
from altus.model.permission import Permission, ScopeKind
from altus.model.pool import DEFAULT_POOL, Pool
from altus.model.query import ListQuery, Page
from altus.wire import pools as wire


@dataclasses.dataclass(frozen=True, kw_only=True)
class PoolCpus:
    """What pools give their VMs as CPU, by the pools' ids, and the names of all hosts by theirs."""

    baselines: Mapping[str, list[CpuBaseline]]
    names: Mapping[str, str]

    def refusal(self, host: Host) -> str:
        """Why its pool gives the host no VMs, as a sentence; empty if it does."""
        why = refusals_of({host.pool_id: self.baselines.get(host.pool_id, [])}).get(host.id, "")
        return f"Host {host.name} gets no VMs: it {why}." if why else ""


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

    async def cpus(self) -> PoolCpus:
        """What all pools give their VMs as CPU."""

        def look(tx: Tx) -> PoolCpus:
            hosts = HOST.all(tx)
            return PoolCpus(baselines=baselines_of(POOL.all(tx), hosts), names={host.id: host.name for host in hosts})

        return await self.db.read(look)

    async def create(self, actor: Actor, body: wire.PoolCreate) -> Pool:
        """A new one. `Conflict` (`pool.scoped_rights`) while rights are limited to the only pool there was;
        `InvalidInput` (`cpu.unknown`) for a CPU that no host can give."""
        pool = Pool(id=new_id(), **body.model_dump())

        def work(tx: Tx) -> Pool:
            actor.require(Permission.POOL_WRITE)
            if GRANT.count(tx, GRANTS.table.c.scope_kind == ScopeKind.POOL) or TOKEN.count(
                tx, TOKENS.table.c.scope_kind == ScopeKind.POOL
            ):
                raise Conflict("There are grants or tokens for the only pool, which would cover the new one too.",
                               code="pool.scoped_rights", hint="Limit them to projects first.")  # fmt: skip
            require_known_model(HOST.all(tx), pool.cpu_model)
            require_outside(tx, pool)
            return POOL.insert(tx, pool)

        return await self.audit.change(actor, Act("pool.create", pool.id, pool.name), work)

    async def edit(self, actor: Actor, reference: str, body: wire.PoolEdit) -> Pool:
        """Its name and what it promises. `InvalidInput` (`cpu.unknown`) for a CPU that none of its hosts can give,
        `Conflict` (`pool.cpu_in_use`) for one that a host with VMs cannot. Outside addresses that are somebody else's
        are refused, or those left out that are given away (`pool.outside_overlap`, `pool.outside_in_use`)."""
        act = Act("pool.edit", object_name=reference)
        changes = {name: value for name, value in body.model_dump().items() if value is not None}

        def work(tx: Tx) -> Pool:
            pool = visible(tx, actor, POOL, reference, Permission.POOL_READ)
            act.about(pool)
            actor.require(Permission.POOL_WRITE, object_id=pool.id)
            edited = dataclasses.replace(pool, **changes)
            POOL.require_free_name(tx, edited)
            if edited.cpu_model != pool.cpu_model:
                _require_given(tx, edited)
            if edited.outside != pool.outside:
                require_outside(tx, edited)
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
            require_outside(tx, dataclasses.replace(pool, outside=""))
            POOL.delete(tx, pool.id)

        await self.audit.change(actor, act, work)


def _require_given(tx: Tx, pool: Pool) -> None:
    """Hosts without VMs may be left behind by a pool's new CPU model; they are refused from then on."""
    hosts = HOST.all(tx)
    members = [host for host in hosts if host.pool_id == pool.id]
    require_known_model(members or hosts, pool.cpu_model)
    refused = refusals_of(baselines_of([pool], members))
    for host in members:
        if host.id in refused and (vms := VM.all(tx, VM.table.c.host_id == host.id)):
            raise Conflict(f"Host {host.name} {refused[host.id]}, and it has VMs, such as {vms[0].name}.",
                           code="pool.cpu_in_use", hint="Choose a lesser model, or move the host to another pool.",
                           )  # fmt: skip


def undeletable(pool: Pool, hosts: list[str]) -> str:
    """Why the pool has to stay, as a sentence; empty if it need not."""
    if pool.id == DEFAULT_POOL:
        return "The default pool stays."
    return f"Pool {pool.name} has hosts: {', '.join(sorted(hosts)[:5])}." if hosts else ""
