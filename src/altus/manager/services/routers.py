"""Routers between networks."""

from __future__ import annotations

from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.lookup import project_for, visible, visible_page
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import NETWORK, ROUTER
from altus.manager.tasks.declare import TaskType
from altus.manager.tasks.router_tasks import (
    ROUTER_ATTACH_TASK,
    ROUTER_CREATE_TASK,
    ROUTER_DELETE_TASK,
    ROUTER_DETACH_TASK,
    RouterChoice,
    RouterMake,
    RouterMember,
)
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page
from altus.model.router import Router
from altus.wire import routers as wire


class RouterService:
    """Which networks reach each other."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def get(self, actor: Actor, reference: str) -> Router:
        """By id or name."""
        return await self.db.read(lambda tx: visible(tx, actor, ROUTER, reference, Permission.ROUTER_READ))

    async def page(self, actor: Actor, query: ListQuery) -> Page[Router]:
        """A page of those the actor may see."""
        return await self.db.read(lambda tx: visible_page(tx, actor, ROUTER, query, Permission.ROUTER_READ))

    async def create(self, actor: Actor, body: wire.RouterCreate) -> Change[RouterMake]:
        """A router without networks."""
        project = await self.db.read(lambda tx: project_for(tx, actor, body.project, Permission.ROUTER_WRITE))
        router = Router(id=new_id(), name=body.name, project_id=project, label=body.label)

        def reserve(tx: Tx) -> None:
            ROUTER.insert(tx, router)

        return Change(kind=ROUTER_CREATE_TASK, arguments=RouterMake(router=router), object_id=router.id,
                      object_name=router.name, project_id=project, reserve=reserve)  # fmt: skip

    async def attach(self, actor: Actor, reference: str, body: wire.RouterMember) -> Change[RouterMember]:
        """Put a network on it, which the actor must be allowed to change, too."""
        return await self._member(actor, ROUTER_ATTACH_TASK, reference, body.network)

    async def detach(self, actor: Actor, reference: str, body: wire.RouterMember) -> Change[RouterMember]:
        """Take a network off it."""
        return await self._member(actor, ROUTER_DETACH_TASK, reference, body.network)

    async def delete(self, actor: Actor, reference: str) -> Change[RouterChoice]:
        """Remove one without networks."""
        router = await self._to_change(actor, reference)
        return Change(kind=ROUTER_DELETE_TASK, arguments=RouterChoice(router_id=router.id), object_id=router.id,
                      object_name=router.name, project_id=router.project_id)  # fmt: skip

    async def _member(self, actor: Actor, kind: TaskType[RouterMember], reference: str,
                      network: str) -> Change[RouterMember]:  # fmt: skip
        router = await self._to_change(actor, reference)
        found = await self.db.read(lambda tx: visible(tx, actor, NETWORK, network, Permission.NETWORK_READ))
        actor.require(Permission.NETWORK_WRITE, project_id=found.project_id, object_id=found.id)
        return Change(kind=kind, arguments=RouterMember(router_id=router.id, network_id=found.id), object_id=router.id,
                      object_name=router.name, project_id=router.project_id)  # fmt: skip

    async def _to_change(self, actor: Actor, reference: str) -> Router:
        router = await self.get(actor, reference)
        actor.require(Permission.ROUTER_WRITE, project_id=router.project_id, object_id=router.id)
        return router
