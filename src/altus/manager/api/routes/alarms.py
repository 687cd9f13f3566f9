"""Alarms, and what runs on hosts without Altus."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from altus.manager.api.deps import Listing, Ref, Requires, SelectionDep, ServicesDep
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.alarms import AlarmView, UnmanagedView
from altus.wire.base import ListView

router = APIRouter(tags=["alarms"])
_ALARMS, _UNMANAGED = Listing(AlarmView), Listing(UnmanagedView)
Reader = Annotated[Actor, Depends(Requires(Permission.ALARM_READ))]
HostReader = Annotated[Actor, Depends(Requires(Permission.HOST_READ))]


@router.get("/alarms", response_model=ListView[AlarmView])
async def list_alarms(actor: Reader, services: ServicesDep, selection: SelectionDep) -> Response:
    """What is not as it should be, a page at a time."""
    page = await services.alarms.page(actor, selection.query)
    return selection.send(_ALARMS, [AlarmView.model_validate(alarm) for alarm in page.items], page.next)


@router.get("/hosts/{ref}/unmanaged", response_model=ListView[UnmanagedView])
async def list_unmanaged(actor: HostReader, services: ServicesDep, ref: Ref) -> Response:
    """Domains on a host that are no VMs of Altus, as the host has them now."""
    host, domains = await services.unmanaged.list(actor, ref)
    views = [UnmanagedView.model_validate({**vars(domain), "host_id": host.id}) for domain in domains]
    return _UNMANAGED.send(views)
