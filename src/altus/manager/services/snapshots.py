"""Snapshots of VMs."""

from __future__ import annotations

from typing import Any

from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.lookup import visible
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import SNAPSHOT, VM
from altus.manager.tasks.snapshot_create import SNAPSHOT_CREATE, SnapshotCreate
from altus.manager.tasks.snapshot_delete import SNAPSHOT_DELETE, SnapshotDelete
from altus.manager.tasks.snapshot_keep import SNAPSHOT_KEEP, SnapshotKeep
from altus.manager.tasks.snapshot_revert import SNAPSHOT_REVERT, SnapshotRevert
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page
from altus.model.snapshot import Snapshot
from altus.model.vm import Vm
from altus.wire import snapshots as wire


class SnapshotService:
    """What disks of VMs once held. Rights are those at the VM."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def get(self, actor: Actor, vm: str, reference: str) -> tuple[Vm, Snapshot]:
        """By id or name, with its VM."""
        return await self.db.read(lambda tx: _find(tx, actor, vm, reference))

    async def page(self, actor: Actor, vm: str, query: ListQuery) -> tuple[Vm, Page[Snapshot]]:
        """A page of a VM's snapshots."""

        def look(tx: Tx) -> tuple[Vm, Page[Snapshot]]:
            found = _vm(tx, actor, vm, Permission.SNAPSHOT_READ)
            return found, SNAPSHOT.page_of(tx, found.id, query)

        return await self.db.read(look)

    async def create(self, actor: Actor, vm: str, body: wire.SnapshotCreate) -> Change[SnapshotCreate]:
        """A new one."""
        found = await self.db.read(lambda tx: _vm(tx, actor, vm, Permission.SNAPSHOT_WRITE))
        snapshot = Snapshot(id=new_id(), name=body.name, project_id=found.project_id, label=found.label,
                            vm_id=found.id, description=body.description, hardware=found.hardware)  # fmt: skip

        def reserve(tx: Tx) -> None:
            SNAPSHOT.insert(tx, snapshot)

        return Change(kind=SNAPSHOT_CREATE, arguments=SnapshotCreate(snapshot=snapshot, quiesce=body.quiesce),
                      object_id=snapshot.id, object_name=snapshot.name, project_id=snapshot.project_id,
                      reserve=reserve)  # fmt: skip

    async def revert(self, actor: Actor, vm: str, reference: str) -> Change[SnapshotRevert]:
        """Go back to one."""
        return await self._change(actor, vm, reference, SNAPSHOT_REVERT, SnapshotRevert)

    async def keep(self, actor: Actor, vm: str, reference: str) -> Change[SnapshotKeep]:
        """Let no schedule delete it."""
        return await self._change(actor, vm, reference, SNAPSHOT_KEEP, SnapshotKeep)

    async def delete(self, actor: Actor, vm: str, reference: str) -> Change[SnapshotDelete]:
        """Remove one."""
        return await self._change(actor, vm, reference, SNAPSHOT_DELETE, SnapshotDelete)

    async def _change(self, actor: Actor, vm: str, reference: str, kind: Any, arguments: type[Any]) -> Change[Any]:
        def look(tx: Tx) -> Snapshot:
            _vm(tx, actor, vm, Permission.SNAPSHOT_WRITE)
            return _find(tx, actor, vm, reference)[1]

        found = await self.db.read(look)
        return Change(kind=kind, arguments=arguments(vm_id=found.vm_id, snapshot_id=found.id), object_id=found.id,
                      object_name=found.name, project_id=found.project_id)  # fmt: skip


def _vm(tx: Tx, actor: Actor, reference: str, permission: Permission) -> Vm:
    found = visible(tx, actor, VM, reference, Permission.VM_READ)
    actor.require(permission, project_id=found.project_id, object_id=found.id)
    return found


def _find(tx: Tx, actor: Actor, vm: str, reference: str) -> tuple[Vm, Snapshot]:
    found = _vm(tx, actor, vm, Permission.SNAPSHOT_READ)
    return found, SNAPSHOT.find(tx, reference, lambda one: one.vm_id == found.id)
