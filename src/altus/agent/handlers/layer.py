"""Operations on what volumes once held."""

from __future__ import annotations

from altus.agent.drivers import HostDrivers
from altus.agent.handlers.declare import Handler, Report
from altus.drivers.storage.threads import to_the_end
from altus.model.vm import VmState
from altus.wire.operations import (
    LAYER_DROP,
    LAYER_FREEZE,
    LAYER_FREEZE_ALL,
    LAYER_INSPECT,
    LAYER_MERGE,
    LAYER_THAW,
    LayerRef,
    LayersAsked,
    LayersSeen,
    LayerThaw,
    Nothing,
    VmFreeze,
    VolumeFreeze,
    VolumeRef,
    VolumeSeen,
)


async def _freeze(host: HostDrivers, request: VolumeFreeze, _report: Report) -> VolumeSeen:
    layers = host.storage(request.storage_id).layers
    return VolumeSeen(facts=await layers.freeze(request.volume_id, request.layer_id, request.onto))


async def _freeze_all(host: HostDrivers, request: VmFreeze, _report: Report) -> LayersSeen:
    """Until the hypervisor switches them a running guest goes on on the layers, of which the volumes read the same; so
    a kill in between leaves whole disks, and a repetition switches those which are not yet. Whoever cancels waits for
    the switch: nothing may be taken back meanwhile."""
    storage = host.storage(request.storage_id)
    live = await _runs(host, request.vm_id)
    volumes = [await storage.layers.freeze(volume, request.layer_id, live=live) for volume in request.volume_ids]
    waiting = [volume for volume in request.volume_ids if not await storage.layers.in_use(volume)]
    if waiting and await _runs(host, request.vm_id):
        paths = [storage.volume_source(volume).path for volume in waiting]
        await to_the_end(host.hypervisor.disks.switch(request.vm_id, paths, quiesce=request.quiesce))
    return LayersSeen(volumes=volumes, layers=[])


async def _runs(host: HostDrivers, vm_id: str) -> bool:
    seen = await host.hypervisor.observe(vm_id)
    return seen is not None and seen.state in (VmState.RUNNING, VmState.PAUSED)


async def _thaw(host: HostDrivers, request: LayerThaw, _report: Report) -> VolumeSeen:
    layers = host.storage(request.storage_id).layers
    return VolumeSeen(facts=await layers.thaw(request.volume_id, request.layer_id, live=bool(request.vm_id)))


async def _drop(host: HostDrivers, request: LayerRef, _report: Report) -> Nothing:
    await host.storage(request.storage_id).layers.drop(request.volume_id, request.layer_id)
    return Nothing()


async def _merge(host: HostDrivers, request: VolumeRef, report: Report) -> VolumeSeen:
    storage = host.storage(request.storage_id)
    await storage.layers.merge(request.volume_id, lambda share: report(share, "Merging disks"))
    return VolumeSeen(facts=await storage.volume(request.volume_id))


async def _inspect(host: HostDrivers, request: LayersAsked, _report: Report) -> LayersSeen:
    storage = host.storage(request.storage_id)
    volumes = [await storage.volume(volume_id) for volume_id in request.volume_ids]
    layers = [layer for layer in await storage.layers.all() if layer.volume_id in request.volume_ids]
    return LayersSeen(volumes=[volume for volume in volumes if volume is not None], layers=layers)


def _about(request: VolumeFreeze | LayerRef | VolumeRef) -> str:
    return f"volume:{request.volume_id}"


def _thaws(request: LayerThaw) -> str:
    """After what is done to the VM, if one may run on it."""
    return f"vm:{request.vm_id}" if request.vm_id else _about(request)


HANDLERS = (
    Handler(operation=LAYER_FREEZE, run=_freeze, about=_about),
    Handler(operation=LAYER_FREEZE_ALL, run=_freeze_all, about=lambda request: f"vm:{request.vm_id}"),
    Handler(operation=LAYER_THAW, run=_thaw, about=_thaws),
    Handler(operation=LAYER_DROP, run=_drop, about=_about),
    Handler(operation=LAYER_MERGE, run=_merge, about=_about, heavy=lambda _request: True),
    Handler(operation=LAYER_INSPECT, run=_inspect, about=None),
)
