"""Snapshots of a site's VMs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.snapshots import SnapshotService
from altus.manager.store.database import Tx
from altus.manager.store.resources import SNAPSHOT, VOLUME
from altus.manager.tasks.snapshot_delete import SNAPSHOT_MERGE, SnapshotMerge
from altus.model.snapshot import Snapshot
from altus.model.vm import Vm
from altus.model.vm_action import VmAction
from altus.wire import vms as vm_shapes
from altus.wire.snapshots import SnapshotCreate
from tests.unit.manager.changes.site import ADMIN, SMALL, Site

Draft = Coroutine[Any, Any, Change[Any]]
Ready = Callable[[], Draft]


def snapshots_of(site: Site) -> SnapshotService:
    """Its service."""
    return SnapshotService(site.db)


async def new_snapshot(site: Site, vm_id: str) -> Snapshot:
    """A new one; needs a running engine."""
    body = SnapshotCreate(name=f"snap-{new_id()[-12:]}")
    task = await site.done(snapshots_of(site).create(ADMIN, vm_id, body))
    return await site.db.read(lambda tx: SNAPSHOT.get(tx, task.object_id))


async def taken(site: Site, vm_id: str) -> dict[str, Snapshot]:
    """A VM's, by id."""
    return {one.id: one for one in await site.db.read(lambda tx: SNAPSHOT.of(tx, vm_id))}


async def with_snapshots(site: Site, number: int) -> tuple[Vm, list[Snapshot]]:
    """A VM that is off, with so many in a row; its disks and its memory grew after the first."""
    vm = await site.new_vm()
    found = []
    for _ in range(number):
        found.append(await new_snapshot(site, vm.id))
        if len(found) == 1:
            await site.done(site.vms.edit(ADMIN, vm.id, vm_shapes.VmEdit(memory=2 * SMALL)))
    return await site.vm(vm.id), found


def prepare_create(*, start: bool) -> Callable[[Site], Awaitable[Ready]]:
    """The second one."""

    async def prepare(site: Site) -> Ready:
        vm, _ = await with_snapshots(site, 1)
        if start:
            await site.done(site.power.simple(ADMIN, vm.id, VmAction.START))
        body = SnapshotCreate(name=f"snap-{new_id()[-12:]}", description="of two")
        return lambda: snapshots_of(site).create(ADMIN, vm.id, body)

    return prepare


def prepare_revert(*, start: bool) -> Callable[[Site], Awaitable[Ready]]:
    """To the first of two."""

    async def prepare(site: Site) -> Ready:
        vm, (first, _) = await with_snapshots(site, 2)
        if start:
            await site.done(site.power.simple(ADMIN, vm.id, VmAction.START))
        return lambda: snapshots_of(site).revert(ADMIN, vm.id, first.id)

    return prepare


async def prepare_delete(site: Site) -> Ready:
    """The second of three."""
    vm, (_, second, _) = await with_snapshots(site, 3)
    return lambda: snapshots_of(site).delete(ADMIN, vm.id, second.id)


async def prepare_merge(site: Site) -> Ready:
    """A layer that nobody keeps any more lies between two."""
    vm, (first, second, third) = await with_snapshots(site, 3)
    disk = vm.hardware.disks[1].volume_id

    def forget(tx: Tx) -> None:
        SNAPSHOT.change(tx, third.id, parent_id=first.id)
        SNAPSHOT.delete(tx, second.id)

    await site.db.write(forget)
    storage = site.agents.hosts[site.host_id].storages[vm.storage_id]
    for one in vm.hardware.disks:
        await storage.layers.drop(one.volume_id, second.id)

    async def ask() -> Change[Any]:
        volume = await site.db.read(lambda tx: VOLUME.get(tx, disk))
        arguments = SnapshotMerge(vm_id=vm.id, volume_id=volume.id)
        return Change(kind=SNAPSHOT_MERGE, arguments=arguments, object_id=volume.id, object_name=volume.name,
                      project_id=volume.project_id)  # fmt: skip

    return ask
