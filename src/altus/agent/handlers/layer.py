"""Operations on what volumes once held."""

from __future__ import annotations

from altus.agent.drivers import HostDrivers
from altus.agent.handlers.declare import Handler, Report
from altus.wire.operations import (
    LAYER_DROP,
    LAYER_FREEZE,
    LAYER_INSPECT,
    LAYER_MERGE,
    LAYER_THAW,
    LayerRef,
    LayersAsked,
    LayersSeen,
    Nothing,
    VolumeFreeze,
    VolumeRef,
    VolumeSeen,
)


async def _freeze(host: HostDrivers, request: VolumeFreeze, _report: Report) -> VolumeSeen:
    layers = host.storage(request.storage_id).layers
    return VolumeSeen(facts=await layers.freeze(request.volume_id, request.layer_id, request.onto))


async def _thaw(host: HostDrivers, request: LayerRef, _report: Report) -> VolumeSeen:
    layers = host.storage(request.storage_id).layers
    return VolumeSeen(facts=await layers.thaw(request.volume_id, request.layer_id))


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
    Handler(operation=LAYER_THAW, run=_thaw, about=_about),
    Handler(operation=LAYER_DROP, run=_drop, about=_about),
    Handler(operation=LAYER_MERGE, run=_merge, about=_about, heavy=lambda _request: True),
    Handler(operation=LAYER_INSPECT, run=_inspect, about=None),
)
