"""Disks that only their host reaches: they are copied to a repository of the host that their VM goes to.

The copies have the ids of the volumes that they will be, in the other repository, and nothing below them: what a volume
shares with its image is copied into it. The database says where a volume is by its `storage_id`, which changes with the
checkpoint after which the VM runs on the other host; what is elsewhere under its id is worth nothing and is deleted,
first when it is to be made anew.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from altus.common.errors import Conflict, LimitExceeded
from altus.common.units import format_size
from altus.manager.placement.declare import Request, Verdict
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, IMAGE, SNAPSHOT, STORAGE, VM, VOLUME
from altus.manager.tasks.run import Run
from altus.model.migration import MigrationMode, MigrationOptions
from altus.model.storage import local_name
from altus.model.vm import Vm, VmDefinition
from altus.model.volume import BaseKind, Volume
from altus.wire.operations import (
    VOLUME_CREATE,
    VOLUME_DELETE,
    VOLUME_INSPECT,
    VolumeCreate,
    VolumeRef,
)


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Disks that come from one repository to another, with their sizes (bytes), as the first step wrote it down."""

    source: str
    target: str
    sizes: Mapping[str, int]

    @classmethod
    def of(cls, placed: Mapping[str, Any] | None) -> Copies | None:
        """Those of a migration whose first step has this result; None if its disks stay where they are."""
        plain = (placed or {}).get("copies")
        return None if plain is None else cls(**plain)

    def plain(self) -> dict[str, Any]:
        """For the step's result."""
        return {"source": self.source, "target": self.target, "sizes": dict(self.sizes)}

    def at_target(self, vm: VmDefinition) -> VmDefinition:
        """How the VM is defined where it goes: with its copies; images stay behind, with the kernel that one has."""
        hardware = dataclasses.replace(vm.hardware, kernel_image_id=None)
        return dataclasses.replace(vm, storage_id=self.target, hardware=hardware)


def is_local(tx: Tx, vm: Vm) -> bool:
    """Whether only its host reaches its disks."""
    return STORAGE.get(tx, vm.storage_id).host_id is not None


def require_copyable(tx: Tx, vm: Vm, options: MigrationOptions) -> None:
    """`Conflict` (`vm.cdrom_local`, `vm.post_copy_disks`, `vm.snapshots_local`) for a VM whose disks cannot be copied
    while it moves."""
    if taken := SNAPSHOT.of(tx, vm.id):
        raise Conflict(f"VM {vm.name} has {len(taken)} snapshots on storage that only its host reaches.",
                       code="vm.snapshots_local", hint="Delete its snapshots first.")  # fmt: skip
    image_id = vm.hardware.cdrom_image_id
    if image_id is not None:
        raise Conflict(f"VM {vm.name} has the CD {IMAGE.get(tx, image_id).name}, which only its host reaches.",
                       code="vm.cdrom_local", hint="Move it without a CD, or stop it and move it then.")  # fmt: skip
    if options.mode is MigrationMode.POST_COPY:
        raise Conflict(f"The disks of VM {vm.name} have to be copied, which post-copy does not do.",
                       code="vm.post_copy_disks", hint="Choose another mode.")  # fmt: skip


def asked(tx: Tx, vm: Vm, request: Request) -> Request:
    """What placement is asked for a VM whose disks have to be copied."""
    here = HOST.get(tx, vm.host_id or "")
    beside = local_name(STORAGE.get(tx, vm.storage_id), here.name)
    return dataclasses.replace(request, disks=needed(tx, vm), beside=beside)


def chosen(tx: Tx, vm: Vm, verdict: Verdict) -> Copies | None:
    """What has to be copied to go there."""
    if verdict.storage_id == vm.storage_id:
        return None
    sizes = {volume.id: volume.size for volume in _volumes(tx, vm)}
    return Copies(source=vm.storage_id, target=verdict.storage_id, sizes=sizes)


def needed(tx: Tx, vm: Vm) -> int:
    """Bytes that its copied disks take, as far as is known."""
    return sum(_bytes(tx, volume, volume.allocation) for volume in _volumes(tx, vm))


def promised(tx: Tx, without: str) -> dict[str, int]:
    """Bytes of disks that are on their way to each host, but for those of one VM."""
    found: defaultdict[str, int] = defaultdict(int)
    for vm in VM.all(tx, VM.table.c.other_host_id.is_not(None)):
        if vm.id != without and STORAGE.get(tx, vm.storage_id).host_id == vm.host_id:
            found[vm.other_host_id or ""] += needed(tx, vm)
    return found


def told(tx: Tx, vm: Vm, copies: Copies) -> list[str]:
    """For whoever plans it."""
    where = STORAGE.get(tx, copies.target).name
    return [
        f"{volume.name} ({format_size(_bytes(tx, volume, volume.allocation))} of {format_size(volume.size)}) is copied "
        f"to {where}" + (", with what it shares with its base" if volume.base is not None else "")
        for volume in _volumes(tx, vm)
    ]


def _volumes(tx: Tx, vm: Vm) -> list[Volume]:
    return [VOLUME.get(tx, disk.volume_id) for disk in vm.hardware.disks]


def _bytes(tx: Tx, volume: Volume, allocation: int) -> int:
    """What a copy takes: its own and what it shares with others, at most its size. Layers of other volumes are not
    known to the database: then it may be all."""
    if volume.base is None or not volume.base.linked:
        return min(allocation, volume.size)
    image = IMAGE.peek(tx, volume.base.id) if volume.base.kind is BaseKind.IMAGE else None
    return volume.size if image is None else min(allocation + image.file_size, volume.size)


def moved(tx: Tx, vm_id: str, copies: Copies) -> None:
    """Write that the VM's disks are the copies from now on."""
    hardware = dataclasses.replace(VM.get(tx, vm_id).hardware, kernel_image_id=None)
    VM.change(tx, vm_id, storage_id=copies.target, hardware=hardware)
    for volume_id in copies.sizes:
        VOLUME.change(tx, volume_id, storage_id=copies.target, base=None)


async def make(run: Run[Any], source_id: str, target_id: str, copies: Copies) -> None:
    """Empty disks on the target, if there is room for what the source's disks take by now: `LimitExceeded`
    (`storage.full`), `Conflict` (`volume.missing`). What an earlier try left under these ids goes first."""
    await _require_room(run, source_id, copies)
    await remove(run, target_id, copies.target, copies.sizes)
    for volume_id, size in copies.sizes.items():
        await run.call(target_id, VOLUME_CREATE, VolumeCreate(storage_id=copies.target, volume_id=volume_id, size=size))


async def _require_room(run: Run[Any], source_id: str, copies: Copies) -> None:
    taken = {}
    for volume_id in copies.sizes:
        seen = await run.call(source_id, VOLUME_INSPECT, VolumeRef(storage_id=copies.source, volume_id=volume_id))
        if seen.facts is None:
            raise Conflict(f"Disk {volume_id} is not on its storage.", code="volume.missing",
                           hint="Bring its file back.")  # fmt: skip
        taken[volume_id] = seen.facts.allocation

    def look(tx: Tx) -> None:
        storage = STORAGE.get(tx, copies.target)
        need = sum(_bytes(tx, VOLUME.get(tx, volume_id), bytes_) for volume_id, bytes_ in taken.items())
        if storage.usage is not None and need > storage.usage.available:
            raise LimitExceeded(f"The disks take {format_size(need)}, and storage {storage.name} has "
                                f"{format_size(storage.usage.available)} free.", code="storage.full",
                                hint="Make room there, or choose another storage.")  # fmt: skip

    await run.db.read(look)


async def remove(run: Run[Any], host_id: str, storage_id: str, volume_ids: Iterable[str]) -> None:
    """Delete what is there under these ids; none is success."""
    for volume_id in volume_ids:
        await run.call(host_id, VOLUME_DELETE, VolumeRef(storage_id=storage_id, volume_id=volume_id))


async def measure(run: Run[Any], target_id: str, copies: Copies) -> None:
    """Write how much the copies take."""
    for volume_id in copies.sizes:
        seen = await run.call(target_id, VOLUME_INSPECT, VolumeRef(storage_id=copies.target, volume_id=volume_id))
        if seen.facts is not None:
            _write(run, volume_id, seen.facts.allocation)


def _write(run: Run[Any], volume_id: str, allocation: int) -> None:
    run.write(lambda tx: VOLUME.change(tx, volume_id, allocation=allocation))
