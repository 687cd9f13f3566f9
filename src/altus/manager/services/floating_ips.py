"""Floating addresses."""

from __future__ import annotations

from dataclasses import replace

from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.lookup import project_for, visible, visible_page
from altus.manager.services.nics import nic_on
from altus.manager.store.database import Database, Tx
from altus.manager.store.floating_ips import choose
from altus.manager.store.resources import FLOATING_IP, NETWORK, VM
from altus.manager.tasks.declare import TaskType
from altus.manager.tasks.floating_ip_tasks import (
    FLOATING_IP_ATTACH_TASK,
    FLOATING_IP_CREATE_TASK,
    FLOATING_IP_DELETE_TASK,
    FLOATING_IP_DETACH_TASK,
    FloatingIpAttach,
    FloatingIpChoice,
    FloatingIpMake,
)
from altus.model.actor import Actor
from altus.model.floating_ip import FloatingIp
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page
from altus.wire import floating_ips as wire


class FloatingIpService:
    """Addresses of the outside for VMs."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def get(self, actor: Actor, reference: str) -> FloatingIp:
        """By id or address."""
        return await self.db.read(lambda tx: visible(tx, actor, FLOATING_IP, reference, Permission.FLOATING_IP_READ))

    async def page(self, actor: Actor, query: ListQuery) -> Page[FloatingIp]:
        """A page of those the actor may see."""
        return await self.db.read(lambda tx: visible_page(tx, actor, FLOATING_IP, query, Permission.FLOATING_IP_READ))

    async def create(self, actor: Actor, body: wire.FloatingIpCreate) -> Change[FloatingIpMake]:
        """Give an address. It is chosen in the transaction that writes it down, so that nobody else gets it."""

        def draft(tx: Tx) -> tuple[FloatingIp, str]:
            project = project_for(tx, actor, body.project, Permission.FLOATING_IP_WRITE)
            network = visible(tx, actor, NETWORK, body.network, Permission.NETWORK_READ)
            address = choose(tx, body.address)
            drafted = FloatingIp(id=new_id(), name=address, address=address, project_id=project, label=body.label,
                                 network_id=network.id)  # fmt: skip
            return drafted, body.address or f"free one of network {network.name}"

        drafted, asked = await self.db.read(draft)

        def reserve(tx: Tx) -> FloatingIpMake:
            address = choose(tx, body.address)
            given = FLOATING_IP.insert(tx, replace(drafted, name=address, address=address))
            return FloatingIpMake(floating_ip=given)

        return Change(kind=FLOATING_IP_CREATE_TASK, arguments=FloatingIpMake(floating_ip=drafted),
                      object_id=drafted.id, object_name=asked, project_id=drafted.project_id,
                      reserve=reserve)  # fmt: skip

    async def attach(self, actor: Actor, reference: str, body: wire.FloatingIpAttach) -> Change[FloatingIpAttach]:
        """Lead it to a NIC of a VM, which the actor must be allowed to edit, too."""
        floating = await self._to_change(actor, reference)
        vm = await self.db.read(lambda tx: visible(tx, actor, VM, body.vm, Permission.VM_READ))
        actor.require(Permission.VM_EDIT, project_id=vm.project_id, object_id=vm.id)
        nic = nic_on(vm, floating.network_id, body.nic)
        arguments = FloatingIpAttach(floating_ip_id=floating.id, vm_id=vm.id, nic_id=nic.id)
        return Change(kind=FLOATING_IP_ATTACH_TASK, arguments=arguments, object_id=floating.id,
                      object_name=floating.name, project_id=floating.project_id)  # fmt: skip

    async def detach(self, actor: Actor, reference: str) -> Change[FloatingIpChoice]:
        """Lead it nowhere; it stays given."""
        return _chosen(FLOATING_IP_DETACH_TASK, await self._to_change(actor, reference))

    async def delete(self, actor: Actor, reference: str) -> Change[FloatingIpChoice]:
        """Give one back that leads nowhere."""
        return _chosen(FLOATING_IP_DELETE_TASK, await self._to_change(actor, reference))

    async def _to_change(self, actor: Actor, reference: str) -> FloatingIp:
        floating = await self.get(actor, reference)
        actor.require(Permission.FLOATING_IP_WRITE, project_id=floating.project_id, object_id=floating.id)
        return floating


def _chosen(kind: TaskType[FloatingIpChoice], floating: FloatingIp) -> Change[FloatingIpChoice]:
    return Change(kind=kind, arguments=FloatingIpChoice(floating_ip_id=floating.id, vm_id=floating.vm_id),
                  object_id=floating.id, object_name=floating.name, project_id=floating.project_id)  # fmt: skip
