"""What the tasks of snapshots share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from altus.common.errors import Conflict
from altus.common.ids import derived_id
from altus.common.together import all_of
from altus.manager.store.database import Tx
from altus.manager.store.resources import SNAPSHOT, VOLUME
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_parts import observe, require_disks, require_host, the_vm
from altus.model.snapshot import Snapshot, SnapshotDisk, SnapshotState, faults, with_volume
from altus.model.snapshot import require as require_state
from altus.model.vm import Vm, VmState
from altus.model.volume import VolumeFacts
from altus.wire.operations import LAYER_DROP, LAYER_INSPECT, LAYER_THAW, LayerRef, LayersAsked, LayerThaw, VolumeSeen

DISKS = TypeAdapter(list[SnapshotDisk])


def the_snapshot(tx: Tx, vm_id: str, snapshot_id: str) -> Snapshot:
    """`NotFound` (`snapshot.not_found`) also for one of another VM."""
    found = SNAPSHOT.get(tx, snapshot_id)
    if found.vm_id != vm_id:
        raise SNAPSHOT.missing(snapshot_id)
    return found


def require_ready(snapshot: Snapshot) -> None:
    """`Conflict` (`snapshot.not_ready`)."""
    if snapshot.state is not SnapshotState.READY:
        raise Conflict(f"Snapshot {snapshot.name} is {snapshot.state}.", code="snapshot.not_ready",
                       hint="See `altus snapshot list`.")  # fmt: skip


def failed(tx: Tx, snapshot_id: str) -> None:
    """A task could neither go on nor back; deleting it is possible."""
    SNAPSHOT.change(tx, snapshot_id, state=SnapshotState.FAILED)


async def check_vm(run: Run[Any], action: str) -> Vm:
    """The VM, if its state allows it, its host answers and its disks are as the database says."""
    vm = await the_vm(run, run.args.vm_id)
    await require_host(run, vm)
    if vm.state is VmState.UNKNOWN and (seen := await observe(run, vm.id)) is not None:
        vm = dataclasses.replace(vm, state=seen.state)
    require_state(vm, action)
    await require_disks(run, vm)
    return vm


async def require_agreement(run: Run[Any], vm: Vm) -> None:
    """`Conflict` (`snapshot.chain`) unless the chains on storage are those of the VM and its snapshots; layers that
    nobody knows do no harm."""
    snapshots = await run.db.read(lambda tx: SNAPSHOT.of(tx, vm.id))
    asked = LayersAsked(storage_id=vm.storage_id, volume_ids=[disk.volume_id for disk in vm.hardware.disks])
    seen = await run.call(vm.host_id or "", LAYER_INSPECT, asked)
    if told := [one for one in faults(vm, snapshots, seen.volumes, seen.layers) if one.kind != "snapshot.orphan"]:
        raise Conflict(f"The disks of VM {vm.name} are not as its snapshots say: {told[0].message}",
                       code="snapshot.chain", hint="See `altus doctor`.")  # fmt: skip


def require_no_snapshots(tx: Tx, vm: Vm, volume_ids: Sequence[str]) -> None:
    """`Conflict` (`volume.has_snapshots`) if snapshots of the VM need one of these volumes."""
    for volume_id in volume_ids:
        if found := with_volume(SNAPSHOT.of(tx, vm.id), volume_id):
            names = ", ".join(one.name for one in found[:5])
            raise Conflict(f"Snapshots of VM {vm.name} need volume {volume_id}: {names}.", code="volume.has_snapshots",
                           hint="Delete these snapshots first.")  # fmt: skip


def former(vm_id: str) -> str:
    """The layer with what the disks held before the VM went back; the same for every revert of a VM."""
    return derived_id("snapshot.revert", vm_id)


async def drop_all(run: Run[Any], vm: Vm, layer_id: str) -> None:
    """Let go of this layer of all disks."""
    ids = [disk.volume_id for disk in vm.hardware.disks]
    refs = (LayerRef(storage_id=vm.storage_id, volume_id=volume_id, layer_id=layer_id) for volume_id in ids)
    await all_of(*(run.call(vm.host_id or "", LAYER_DROP, ref) for ref in refs))


async def thaw_all(run: Run[Any], vm: Vm, volume_ids: Sequence[str], layer_id: str, vm_id: str = "") -> None:
    """Let this layer of these volumes be the volume again; with `vm_id` the VM may run on it, and nothing is lost."""
    refs = (LayerThaw(storage_id=vm.storage_id, volume_id=volume_id, layer_id=layer_id, vm_id=vm_id)
            for volume_id in volume_ids)  # fmt: skip
    note(run, await all_of(*(run.call(vm.host_id or "", LAYER_THAW, ref) for ref in refs)))


def note(run: Run[Any], seen: Sequence[VolumeSeen]) -> list[VolumeFacts]:
    """Write what storage says of volumes with the step's checkpoint."""
    return note_facts(run, [one.facts for one in seen if one.facts is not None])


def note_facts(run: Run[Any], found: list[VolumeFacts]) -> list[VolumeFacts]:
    """See `note`."""

    def write(tx: Tx) -> None:
        for facts in found:
            VOLUME.change(tx, facts.id, size=facts.size, allocation=facts.allocation)

    run.write(write)
    return found
