"""Power of VMs: each verb one change."""

from __future__ import annotations

from typing import Any

from altus.manager.services.changes import Change
from altus.manager.services.lookup import visible
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import HOST, STORAGE, VM
from altus.manager.tasks.vm_migrate import VM_MIGRATE_TASK, VmMigrate
from altus.manager.tasks.vm_power import (
    VM_KILL_TASK,
    VM_PAUSE_TASK,
    VM_RESTART_TASK,
    VM_RESUME_TASK,
    VM_START_TASK,
    VM_STOP_TASK,
    VM_SUSPEND_TASK,
    VmPower,
    VmRestart,
    VmStop,
)
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.vm_action import VmAction
from altus.wire import vms as wire

_SIMPLE = {
    VmAction.START: VM_START_TASK,
    VmAction.KILL: VM_KILL_TASK,
    VmAction.PAUSE: VM_PAUSE_TASK,
    VmAction.RESUME: VM_RESUME_TASK,
    VmAction.SUSPEND: VM_SUSPEND_TASK,
}


class VmPowerService:
    """Start, stop and the rest."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def simple(self, actor: Actor, reference: str, action: VmAction) -> Change[VmPower]:
        """Start, kill, pause, resume or suspend."""
        return await self._change(actor, reference, _SIMPLE[action], VmPower, {})

    async def stop(self, actor: Actor, reference: str, body: wire.VmStop) -> Change[Any]:
        """Ask the guest to power off."""
        return await self._change(actor, reference, VM_STOP_TASK, VmStop, body.model_dump())

    async def restart(self, actor: Actor, reference: str, body: wire.VmRestart) -> Change[Any]:
        """Restart the guest."""
        return await self._change(actor, reference, VM_RESTART_TASK, VmRestart, body.model_dump())

    async def migrate(self, actor: Actor, reference: str, body: wire.VmMigrate) -> Change[Any]:
        """Let it go on on another host."""

        def look(tx: Tx) -> dict[str, Any]:
            host = visible(tx, actor, HOST, body.host, Permission.HOST_READ) if body.host else None
            storage = visible(tx, actor, STORAGE, body.storage, Permission.STORAGE_READ) if body.storage else None
            return {"host_id": host.id if host else "", "storage_id": storage.id if storage else ""}

        options = {**await self.db.read(look), "options": body.options}
        return await self._change(actor, reference, VM_MIGRATE_TASK, VmMigrate, options)

    async def _change(self, actor: Actor, reference: str, kind: Any, arguments: type[Any],
                      options: dict[str, Any]) -> Change[Any]:  # fmt: skip
        vm = await self.db.read(lambda tx: visible(tx, actor, VM, reference, Permission.VM_READ))
        actor.require(Permission.VM_OPERATE, project_id=vm.project_id, object_id=vm.id)
        return Change(kind=kind, arguments=arguments(vm_id=vm.id, **options), object_id=vm.id, object_name=vm.name,
                      project_id=vm.project_id)  # fmt: skip
