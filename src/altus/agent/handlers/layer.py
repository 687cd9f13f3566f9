"""Operations on what volumes once held."""

from __future__ import annotations

from altus.agent.drivers import HostDrivers
from altus.agent.handlers.declare import Handler, Report
from altus.model.vm import VmState
from altus.wire.operations import (
    LAYER_DROP,
    LAYER_FREEZE,
    LAYER_FREEZE_LIVE,
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


async def _freeze_live(host: HostDrivers, request: VmFreeze, _report: Report) -> LayersSeen:
    """Until the hypervisor switches them the guest goes on on the layers, of which the volumes read the same; so a kill
    in between leaves whole disks, and a repetition switches those which are not yet. A VM that is off is done."""
    storage = host.storage(request.storage_id)
    volumes = [await storage.layers.freeze(volume, request.layer_id, live=True) for volume in request.volume_ids]
    waiting = [volume for volume in request.volume_ids if not await storage.layers.in_use(volume)]
    seen = await host.hypervisor.observe(request.vm_id)
    if waiting and seen is not None and seen.state in (VmState.RUNNING, VmState.PAUSED):
        paths = [storage.volume_source(volume).path for volume in waiting]
        await host.hypervisor.disks.switch(request.vm_id, paths, quiesce=request.quiesce)
    return LayersSeen(volumes=volumes, layers=[])


async def _thaw(host: HostDrivers, request: LayerThaw, _report: Report) -> VolumeSeen:
    layers = host.storage(request.storage_id).layers
    return VolumeSeen(facts=await layers.thaw(request.volume_id, request.layer_id, live=request.live))


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


HANDLERS = (
    Handler(operation=LAYER_FREEZE, run=_freeze, about=_about),
    Handler(operation=LAYER_FREEZE_LIVE, run=_freeze_live, about=lambda request: f"vm:{request.vm_id}"),
    Handler(operation=LAYER_THAW, run=_thaw, about=_about),
    Handler(operation=LAYER_DROP, run=_drop, about=_about),
    Handler(operation=LAYER_MERGE, run=_merge, about=_about, heavy=lambda _request: True),
    Handler(operation=LAYER_INSPECT, run=_inspect, about=None),
)
