"""Port forwards."""

from __future__ import annotations

from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.lookup import project_for, visible, visible_page
from altus.manager.services.nics import nic_on
from altus.manager.store import forwards
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import FLOATING_IP, FORWARD, NETWORK, VM
from altus.manager.tasks.forward_tasks import FORWARD_CREATE_TASK, FORWARD_DELETE_TASK, ForwardChoice, ForwardMake
from altus.model.actor import Actor
from altus.model.floating_ip import FloatingIp
from altus.model.forward import Forward, forward_name
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page
from altus.wire import forwards as wire


class ForwardService:
    """Ports of the outside that lead to VMs."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def get(self, actor: Actor, reference: str) -> Forward:
        """By id or name."""
        return await self.db.read(lambda tx: visible(tx, actor, FORWARD, reference, Permission.FORWARD_READ))

    async def page(self, actor: Actor, query: ListQuery) -> Page[Forward]:
        """A page of those the actor may see."""
        return await self.db.read(lambda tx: visible_page(tx, actor, FORWARD, query, Permission.FORWARD_READ))

    async def create(self, actor: Actor, body: wire.ForwardCreate) -> Change[ForwardMake]:
        """Lead a port to a VM, which the actor must be allowed to edit, too; likewise the floating address."""

        def draft(tx: Tx) -> ForwardMake:
            project = project_for(tx, actor, body.project, Permission.FORWARD_WRITE)
            network = visible(tx, actor, NETWORK, body.network, Permission.NETWORK_READ)
            vm = visible(tx, actor, VM, body.vm, Permission.VM_READ)
            actor.require(Permission.VM_EDIT, project_id=vm.project_id, object_id=vm.id)
            floating = _floating(tx, actor, body.address) if body.address is not None else None
            nic, address = nic_on(vm, network.id, body.nic), floating.address if floating is not None else ""
            made = Forward(
                id=new_id(), name=forward_name(address, body.protocol, body.port), project_id=project, label=body.label,
                network_id=network.id, address=address, protocol=body.protocol, port=body.port, vm_id=vm.id,
                nic_id=nic.id, inside=nic.address, inside_port=body.to_port,
            )  # fmt: skip
            return ForwardMake(forward=made, floating_ip_id=floating.id if floating is not None else "")

        arguments = await self.db.read(draft)
        made = arguments.forward

        def reserve(tx: Tx) -> None:
            forwards.insert(tx, made)

        return Change(kind=FORWARD_CREATE_TASK, arguments=arguments, object_id=made.id, object_name=made.name,
                      project_id=made.project_id, reserve=reserve)  # fmt: skip

    async def delete(self, actor: Actor, reference: str) -> Change[ForwardChoice]:
        """Lead the port nowhere; connections over it end."""
        forward = await self.get(actor, reference)
        actor.require(Permission.FORWARD_WRITE, project_id=forward.project_id, object_id=forward.id)
        return Change(kind=FORWARD_DELETE_TASK, arguments=ForwardChoice(forward_id=forward.id, vm_id=forward.vm_id),
                      object_id=forward.id, object_name=forward.name, project_id=forward.project_id)  # fmt: skip


def _floating(tx: Tx, actor: Actor, reference: str) -> FloatingIp:
    floating = visible(tx, actor, FLOATING_IP, reference, Permission.FLOATING_IP_READ)
    actor.require(Permission.FLOATING_IP_WRITE, project_id=floating.project_id, object_id=floating.id)
    return floating
