"""Operations on volumes."""

from __future__ import annotations

from altus.agent.drivers import HostDrivers
from altus.agent.handlers.declare import Handler, Report
from altus.wire.operations import (
    VOLUME_CREATE,
    VOLUME_DELETE,
    VOLUME_INSPECT,
    VOLUME_RESIZE,
    Nothing,
    VolumeCreate,
    VolumeRef,
    VolumeResize,
    VolumeSeen,
)


async def _create(host: HostDrivers, request: VolumeCreate, report: Report) -> VolumeSeen:
    storage = host.storage(request.storage_id)
    facts = await storage.create_volume(
        request.volume_id, request.size, request.base, lambda share: report(share, "Copying the disk")
    )
    return VolumeSeen(facts=facts)


async def _resize(host: HostDrivers, request: VolumeResize, _report: Report) -> VolumeSeen:
    storage = host.storage(request.storage_id)
    return VolumeSeen(facts=await storage.resize_volume(request.volume_id, request.size))


async def _delete(host: HostDrivers, request: VolumeRef, _report: Report) -> Nothing:
    await host.storage(request.storage_id).delete_volume(request.volume_id)
    return Nothing()


async def _inspect(host: HostDrivers, request: VolumeRef, _report: Report) -> VolumeSeen:
    return VolumeSeen(facts=await host.storage(request.storage_id).volume(request.volume_id))


def _about(request: VolumeCreate | VolumeRef | VolumeResize) -> str:
    return f"volume:{request.volume_id}"


def _copies(request: VolumeCreate) -> bool:
    return request.base is not None and not request.base.linked


HANDLERS = (
    Handler(operation=VOLUME_CREATE, run=_create, about=_about, heavy=_copies),
    Handler(operation=VOLUME_RESIZE, run=_resize, about=_about),
    Handler(operation=VOLUME_DELETE, run=_delete, about=_about),
    Handler(operation=VOLUME_INSPECT, run=_inspect, about=None),
)
