"""Why a VM would run where: what placement thinks of every host."""

from __future__ import annotations

from altus.common.ids import new_id
from altus.manager.placement.choose import judge
from altus.manager.placement.declare import Verdict
from altus.manager.services.lookup import project_for, visible
from altus.manager.services.vms import placement_of
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import STORAGE, VM
from altus.manager.tasks.vm_place import candidates, request_for, require_rules
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.vm import Vm, VmHardware
from altus.wire.placement import PlacementQuestion


class PlacementService:
    """Asks, and changes nothing."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def explain(self, actor: Actor, question: PlacementQuestion) -> list[Verdict]:
        """Every host with its reasons, as if the VM were to be started now. `Conflict` (`placement.group_differs`)."""
        actor.require(Permission.HOST_READ)

        def look(tx: Tx) -> list[Verdict]:
            vm = _existing(tx, actor, question.vm) if question.vm is not None else _imagined(tx, actor, question)
            request = request_for(tx, vm, started=True, storage_id=vm.storage_id)
            return judge(request, candidates(tx, without=vm.id))

        return await self.db.read(look)


def _existing(tx: Tx, actor: Actor, reference: str) -> Vm:
    return visible(tx, actor, VM, reference, Permission.VM_READ)


def _imagined(tx: Tx, actor: Actor, question: PlacementQuestion) -> Vm:
    storage = STORAGE.find(tx, question.storage).id if question.storage is not None else ""
    vm = Vm(id=new_id(), name="imagined", label=question.label, storage_id=storage,
            project_id=project_for(tx, actor, question.project, Permission.VM_READ),
            hardware=VmHardware(vcpus=question.vcpus, memory=question.memory, cpu_model=question.cpu_model),
            placement=placement_of(question.placement))  # fmt: skip
    require_rules(tx, vm, vm.placement.groups)
    return vm
