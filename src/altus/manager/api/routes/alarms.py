"""Alarms, and what runs on hosts without Altus."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from altus.manager.api.deps import CHANGE_RESPONSES, AnswerDep, Listing, Ref, Requires, SelectionDep, ServicesDep
from altus.model.actor import Actor
from altus.model.domain import refusals
from altus.model.permission import Permission
from altus.wire.alarms import AlarmView, UnmanagedView
from altus.wire.base import ListView
from altus.wire.vms import VmAdopt

router = APIRouter(tags=["alarms"])
_ALARMS, _UNMANAGED = Listing(AlarmView), Listing(UnmanagedView)
Reader = Annotated[Actor, Depends(Requires(Permission.ALARM_READ))]
Creator = Annotated[Actor, Depends(Requires(Permission.VM_CREATE))]
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
    more = [{"host_id": host.id, "refusals": refusals(domain)} for domain in domains]
    views = [{**vars(domain), **told} for domain, told in zip(domains, more, strict=True)]
    return _UNMANAGED.send([UnmanagedView.model_validate(view) for view in views])


@router.post("/hosts/{ref}/adopt", status_code=202, responses=CHANGE_RESPONSES)
async def adopt_vm(actor: Creator, services: ServicesDep, answer: AnswerDep, ref: Ref, body: VmAdopt) -> Response:
    """Let an unmanaged domain that is off become a VM, with the disks it has in a repository. Refused with the reasons,
    before anything is changed, if it has what a VM cannot have."""
    return await answer(actor, services.unmanaged.adopt(actor, ref, body))
