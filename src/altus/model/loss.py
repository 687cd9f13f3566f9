"""What is lost with a host that will never come back. Pure; `altus host forget` shows it and does it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from altus.model.image import Image
from altus.model.resource import Resource
from altus.model.storage import Storage
from altus.model.vm import Vm
from altus.model.volume import Volume


@dataclass(frozen=True, kw_only=True)
class Loss:
    """`storages` only the host reached, and what was kept there: `volumes`, `images`. `vms` had a disk among them and
    go too; `stranded` were on the host but have all their disks elsewhere: they fail, and their disks stay."""

    storages: tuple[Storage, ...]
    volumes: tuple[Volume, ...]
    images: tuple[Image, ...]
    vms: tuple[Vm, ...]
    stranded: tuple[Vm, ...]


def loss_of(host_id: str, storages: Iterable[Storage], volumes: Iterable[Volume], images: Iterable[Image],
            vms: Iterable[Vm]) -> Loss:  # fmt: skip
    """Of all there is, what goes with this host. VMs that were not placed yet have no host and are not concerned."""
    own = tuple(storage for storage in storages if storage.host_id == host_id)
    ids = {storage.id for storage in own}
    lost = tuple(volume for volume in volumes if volume.storage_id in ids)
    gone = {volume.id for volume in lost}
    here = [vm for vm in vms if vm.host_id == host_id]
    return Loss(
        storages=own,
        volumes=lost,
        images=tuple(image for image in images if image.storage_id in ids),
        vms=tuple(vm for vm in here if _has_any(vm, gone)),
        stranded=tuple(vm for vm in here if not _has_any(vm, gone)),
    )


def _has_any(vm: Vm, volume_ids: set[str]) -> bool:
    return any(disk.volume_id in volume_ids for disk in vm.hardware.disks)


def named(things: Sequence[Resource], most: int = 20) -> list[str]:
    """Their names in order, at most so many, and how many more there are."""
    names = sorted(thing.name for thing in things)
    return names if len(names) <= most else [*names[:most], f"and {len(names) - most} more"]
