"""Disks of VMs that only one host reaches, and copies of them that a migration has left."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from altus.common.ids import new_id
from altus.drivers.storage.fake import FakeStorage
from altus.manager.services.changes import Change
from altus.manager.services.repairs import volume_repair
from altus.manager.store.resources import STORAGE, VOLUME
from altus.manager.tasks.volume_repair import VolumeRepair
from altus.model.vm import Vm
from altus.model.volume import Volume
from altus.wire import resources as shapes
from testbed.local_hosts import LocalHost
from tests.unit.manager.changes.site import ADMIN, Site


async def local_vm(site: Site, **fields: Any) -> Vm:
    """A running VM whose disks only the first host reaches: one stands on an image, whose kernel it has."""
    name = f"image-{new_id()[-12:]}"
    build = shapes.ImageBuild.model_validate({"image": "tiny", "name": name, "storage": "host0-local"})
    await site.done(site.images.build(ADMIN, build))
    return await site.new_vm(start=True, image=name, **fields)


@dataclass(frozen=True)
class LeftCopy:
    """A disk of `vm`, and the repository of another host, `there`, with a copy of it."""

    vm: Vm
    volume: Volume
    there: LocalHost
    storage: FakeStorage

    async def repair(self) -> Change[VolumeRepair]:
        """What removes it."""
        return volume_repair(self.volume)

    async def is_there(self) -> bool:
        """Whether the copy is."""
        return self.volume.id in {facts.id for facts in await self.storage.volumes()}


async def left_copy(site: Site, own: str = "host0-local", other: str = "host1-local", *,
                    start: bool = True) -> LeftCopy:  # fmt: skip
    """A VM with its disk in one repository, and a copy of that in another."""
    vm = await site.new_vm(start=start, image=None, storage=own)
    where = await site.db.read(lambda tx: STORAGE.find(tx, other))
    volume = await site.db.read(lambda tx: VOLUME.get(tx, vm.hardware.disks[0].volume_id))
    there = site.agents.hosts[where.host_id or ""]
    storage = there.storages[where.id]
    await storage.create_volume(volume.id, volume.size)
    return LeftCopy(vm, volume, there, storage)


async def prepare_repair(site: Site) -> Callable[[], Coroutine[Any, Any, Change[Any]]]:
    """A copy is left."""
    left = await left_copy(site)
    site.known.update(await site.findings())
    return left.repair
