"""`vm.delete`: remove a VM, its ports and, unless they are to be kept, its disks with all snapshots. There is no way
back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from altus.common.errors import Conflict
from altus.common.together import all_of
from altus.manager.store import forwards, ports
from altus.manager.store.database import Tx
from altus.manager.store.resources import FLOATING_IP, FORWARD, SNAPSHOT, VM, VOLUME
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.snapshot_parts import require_no_snapshots
from altus.manager.tasks.vm_parts import observe, require_host, the_vm
from altus.manager.tasks.volume_tasks import storage_host
from altus.model.permission import Permission
from altus.model.task import Lock, exclusive
from altus.model.vm import Vm, VmState
from altus.model.vm_action import VmAction, require
from altus.model.volume import VolumeState
from altus.wire.operations import (
    PORT_DELETE,
    VM_DESTROY,
    VM_UNDEFINE,
    VOLUME_DELETE,
    PortRef,
    VmRef,
    VolumeRef,
)


@dataclass(frozen=True, kw_only=True)
class VmDelete:
    """`volume_ids` are the disks that go with it; others it has are detached and kept. `force` cuts a running VM's
    power first."""

    vm_id: str
    volume_ids: tuple[str, ...] = ()
    force: bool = False


def _locks(args: VmDelete) -> Sequence[Lock]:
    return [exclusive("vm", args.vm_id), *(exclusive("volume", volume) for volume in args.volume_ids)]


async def _check(run: Run[VmDelete]) -> None:
    vm = await the_vm(run, run.args.vm_id)
    await require_host(run, vm)
    _require_deletable(vm, force=run.args.force)
    if set(run.args.volume_ids) - {disk.volume_id for disk in vm.hardware.disks}:  # edited since it was asked
        raise Conflict(f"The disks of VM {vm.name} were changed meanwhile.", code="vm.changed",
                       hint="Look at it again and repeat the deletion.")  # fmt: skip
    kept = [disk.volume_id for disk in vm.hardware.disks if disk.volume_id not in run.args.volume_ids]
    await run.db.read(lambda tx: require_no_snapshots(tx, vm, kept))
    if vm.state is VmState.UNKNOWN and (seen := await observe(run, vm.id)) is not None:
        _require_deletable(dataclasses.replace(vm, state=seen.state), force=run.args.force)


def _require_deletable(vm: Vm, *, force: bool) -> None:
    off = dataclasses.replace(vm, state=VmState.STOPPED)  # as it will be when its power is cut
    require(off if force and vm.state in (VmState.RUNNING, VmState.PAUSED) else vm, VmAction.DELETE)


async def _plan(run: Run[VmDelete]) -> dict[str, Any]:
    """What leads to it from outside."""

    def look(tx: Tx) -> dict[str, Any]:
        floating = FLOATING_IP.all(tx, FLOATING_IP.table.c.vm_id == run.args.vm_id)
        found = {
            "floating addresses set free": sorted(one.address for one in floating),
            "port forwards deleted": forwards.names(tx, FORWARD.table.c.vm_id == run.args.vm_id),
        }
        return {words: named for words, named in found.items() if named}

    return await run.db.read(look)


async def _mark(run: Run[VmDelete]) -> None:
    """From here on there is no way back, and everyone sees it."""

    def write(tx: Tx) -> None:
        VM.change(tx, run.args.vm_id, state=VmState.DELETING)
        for volume_id in run.args.volume_ids:
            VOLUME.change(tx, volume_id, state=VolumeState.DELETING)

    run.write(write)


async def _remove(run: Run[VmDelete]) -> None:
    """Once it does not run, nothing of it needs the rest: all goes at once."""
    vm = await the_vm(run, run.args.vm_id)
    if vm.host_id is None:
        await _remove_disks(run)
        return
    await run.call(vm.host_id, VM_DESTROY, VmRef(vm_id=vm.id))
    ports = (run.call(vm.host_id, PORT_DELETE, PortRef(port_id=nic.id)) for nic in vm.hardware.nics)
    refs = (VolumeRef(storage_id=vm.storage_id, volume_id=volume_id) for volume_id in run.args.volume_ids)
    volumes = (run.call(vm.host_id, VOLUME_DELETE, ref) for ref in refs)
    await all_of(run.call(vm.host_id, VM_UNDEFINE, VmRef(vm_id=vm.id)), *ports, *volumes)


async def _remove_disks(run: Run[VmDelete]) -> None:
    """By any host that reaches them: its own was forgotten, or never chosen (then there are none)."""

    def look(tx: Tx) -> list[tuple[str, VolumeRef]]:
        found = (VOLUME.peek(tx, volume_id) for volume_id in run.args.volume_ids)
        refs = [VolumeRef(storage_id=one.storage_id, volume_id=one.id) for one in found if one and one.storage_id]
        return [(storage_host(tx, ref.storage_id), ref) for ref in refs]

    await all_of(*(run.call(host_id, VOLUME_DELETE, ref) for host_id, ref in await run.db.read(look)))


def _gone(run: Run[VmDelete], tx: Tx) -> None:
    for volume_id in run.args.volume_ids:
        VOLUME.delete(tx, volume_id)
    for kept in VOLUME.all(tx, VOLUME.table.c.vm_id == run.args.vm_id):
        VOLUME.change(tx, kept.id, vm_id=None)
    SNAPSHOT.delete_of(tx, run.args.vm_id)
    ports.release_vm(tx, run.args.vm_id)
    VM.delete(tx, run.args.vm_id)


def _stuck(run: Run[VmDelete], tx: Tx) -> None:
    VM.change(tx, run.args.vm_id, state=VmState.FAILED)
    for volume_id in run.args.volume_ids:
        VOLUME.change(tx, volume_id, state=VolumeState.FAILED)


VM_DELETE = TaskType(
    "vm.delete",
    VmDelete,
    title="Delete VM",
    permission=Permission.VM_DELETE,
    noun="vm",
    locks=_locks,
    check=_check,
    plan=_plan,
    steps=(
        Step("mark", "Mark the VM as being deleted", _mark, commits=True),
        Step("remove", "Remove the VM, its network ports and its disks from the host", _remove),
    ),
    on_success=_gone,
    on_stuck=_stuck,
    cancellable=False,
)
