"""Snapshots: what the disks of a VM held at one instant, and how the VM was defined then.

The snapshots of a VM are a tree: each has the one as parent on which the VM stood when it was taken. A disk's content
is a *layer* on storage, named by the volume and the snapshot.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from altus.common.errors import Conflict
from altus.model.resource import Resource
from altus.model.vm import Vm, VmHardware, VmState
from altus.model.volume import LayerFacts, VolumeFacts

MAX_SNAPSHOTS = 24
"""Of one VM: every layer costs a lookup, and storage takes no more than 32 files below a volume."""


class SnapshotState(StrEnum):
    """A snapshot can be gone back to only when ready."""

    CREATING = "creating"
    READY = "ready"
    DELETING = "deleting"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class SnapshotDisk:
    """A disk of the VM at that instant; `size` in bytes."""

    volume_id: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Snapshot(Resource):
    """Its project and label are the VM's, its name is unique among the VM's. One that a schedule took knows which, and
    for what time: only these are ever deleted by it."""

    vm_id: str
    parent_id: str | None = None
    state: SnapshotState = SnapshotState.CREATING
    description: str = ""
    disks: tuple[SnapshotDisk, ...] = ()
    hardware: VmHardware = dataclasses.field(default_factory=VmHardware)
    schedule_id: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True)
class Fault:
    """Where storage and database do not agree about the disks of a VM; `kind` is stable."""

    kind: str
    object_id: str
    message: str


def nearest(snapshot_id: str | None, every: Mapping[str, Snapshot], volume_id: str) -> str:
    """The first snapshot from here towards the root that has the volume; empty if none has."""
    while (found := every.get(snapshot_id or "")) is not None:
        if any(disk.volume_id == volume_id for disk in found.disks):
            return found.id
        snapshot_id = found.parent_id
    return ""


def faults(vm: Vm, snapshots: Iterable[Snapshot], volumes: Iterable[VolumeFacts],
           layers: Iterable[LayerFacts]) -> list[Fault]:  # fmt: skip
    """How the chains on storage differ from the tree of snapshots: layers that are missing, that nobody knows, or that
    stand on another one than they should. Of snapshots that are not ready storage may have a layer or not. A volume
    that no snapshot from here to the root knows, since it was attached later, stands on whatever it stood on when the
    VM went back. Volumes that are missing are not told."""
    every = {one.id: one for one in snapshots}
    ready = {one.id: one for one in every.values() if one.state is SnapshotState.READY}
    there = {(layer.volume_id, layer.id): layer for layer in layers}

    def below(volume_id: str, layer_id: str) -> str:
        """The layer of a ready snapshot at or below this one."""
        while layer_id in every and layer_id not in ready:
            found = there.get((volume_id, layer_id))
            layer_id = found.parent if found is not None else ""
        return layer_id

    told = []
    for one in ready.values():
        for disk in one.disks:
            layer = there.get((disk.volume_id, one.id))
            wanted = nearest(one.parent_id, ready, disk.volume_id)
            if layer is None:
                told.append(Fault("snapshot.missing", one.id, f"The layer of volume {disk.volume_id} for snapshot "
                                  f"{one.name} of VM {vm.name} is not on its storage."))  # fmt: skip
            elif wanted and below(disk.volume_id, layer.parent) != wanted:
                told.append(Fault("snapshot.parent", one.id, f"The layer of volume {disk.volume_id} for snapshot "
                                  f"{one.name} of VM {vm.name} stands on layer {layer.parent or 'none'} instead of "
                                  f"{wanted}."))  # fmt: skip
    disks = {disk.volume_id for disk in vm.hardware.disks}
    for volume in volumes:
        wanted = nearest(vm.snapshot_id, ready, volume.id) if volume.id in disks else ""
        if wanted and below(volume.id, volume.layer) != wanted:
            told.append(Fault("snapshot.volume", volume.id, f"Volume {volume.id} of VM {vm.name} stands on layer "
                              f"{volume.layer or 'none'} instead of {wanted}."))  # fmt: skip
    told += [Fault("snapshot.orphan", layer_id, f"Volume {volume_id} of VM {vm.name} has a layer {layer_id} that "
                   "nobody knows.")
             for volume_id, layer_id in sorted(there) if volume_id in disks and layer_id not in every]  # fmt: skip
    return told


_OFF = frozenset({VmState.STOPPED})
STATES = {
    "take a snapshot of": _OFF | {VmState.RUNNING, VmState.PAUSED},
    "revert": _OFF | {VmState.RUNNING, VmState.PAUSED, VmState.CRASHED},
    "delete a snapshot of": _OFF,
}
"""In which states of the VM what can be done."""


def refusal(vm: Vm, action: str) -> str:
    """Why it cannot be done now, as a sentence; empty if it can."""
    return "" if vm.state in STATES[action] else f"VM {vm.name} is {vm.state}."


def require(vm: Vm, action: str) -> None:
    """`Conflict` (`vm.state`) if it cannot be done in the VM's state."""
    if why := refusal(vm, action):
        working = vm.state in (VmState.RUNNING, VmState.PAUSED, VmState.SUSPENDED, VmState.CRASHED)
        hint = "Stop it first." if working else "See `altus vm show`."
        raise Conflict(f"{why} To {action} it is not possible now.", code="vm.state", hint=hint, state=vm.state)


def with_volume(snapshots: Iterable[Snapshot], volume_id: str) -> list[Snapshot]:
    """Those which have a layer of the volume."""
    return [one for one in snapshots if any(disk.volume_id == volume_id for disk in one.disks)]


def reverted(now: VmHardware, then: VmHardware) -> VmHardware:
    """The hardware after going back: processors, memory, firmware, order of booting and buses of disks as they were;
    NICs, media and disks that the snapshot does not know stay as they are, since what they stand for may have gone."""
    buses = {disk.volume_id: disk.bus for disk in then.disks}
    disks = tuple(dataclasses.replace(disk, bus=buses.get(disk.volume_id, disk.bus)) for disk in now.disks)
    kernel = now.kernel_image_id if then.firmware is now.firmware else None
    return dataclasses.replace(now, vcpus=then.vcpus, memory=then.memory, firmware=then.firmware, boot=then.boot,
                               cpu_model=then.cpu_model, disks=disks, kernel_image_id=kernel)  # fmt: skip


class _Node(Protocol):
    """A snapshot, or a view of one."""

    @property
    def id(self) -> str: ...

    @property
    def parent_id(self) -> str | None: ...

    @property
    def created_at(self) -> datetime: ...


N = TypeVar("N", bound=_Node)


def tree(snapshots: Sequence[N]) -> list[tuple[int, N]]:
    """Every snapshot with its depth, parents before their children, older ones first."""
    known = {one.id for one in snapshots}
    below: dict[str, list[N]] = {}
    for one in sorted(snapshots, key=lambda one: (one.created_at, one.id)):
        below.setdefault((one.parent_id or "") if one.parent_id in known else "", []).append(one)
    found: list[tuple[int, N]] = []
    waiting = [(0, one) for one in reversed(below.get("", []))]
    while waiting:
        depth, one = waiting.pop()
        found.append((depth, one))
        waiting += [(depth + 1, child) for child in reversed(below.get(one.id, []))]
    return found
