"""Snapshot schedules."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import CHANGE_RESPONSES, AnswerDep, Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.manager.api.views import snapshot_schedule_view
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.base import ListView
from altus.wire.snapshot_schedules import SnapshotScheduleCreate, SnapshotScheduleEdit, SnapshotScheduleView

router = APIRouter(prefix="/snapshot-schedules", tags=["snapshot schedules"])
_ONE, _LIST = TypeAdapter(SnapshotScheduleView), Listing(SnapshotScheduleView)
Reader = Annotated[Actor, Depends(Requires(Permission.SNAPSHOT_READ))]
Writer = Annotated[Actor, Depends(Requires(Permission.SNAPSHOT_WRITE))]


@router.get("", response_model=ListView[SnapshotScheduleView])
async def list_snapshot_schedules(actor: Reader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Snapshot schedules, a page at a time."""
    page = await services.snapshot_schedules.page(actor, selection.query)
    return selection.send(_LIST, [snapshot_schedule_view(actor, one) for one in page.items], page.next)


@router.post("", status_code=202, responses=CHANGE_RESPONSES)
async def create_snapshot_schedule(actor: Writer, services: ServicesDep, answer: AnswerDep,
                                   body: SnapshotScheduleCreate) -> Response:  # fmt: skip
    """Have snapshots taken and deleted by themselves; that takes the right to do so to every VM of the project."""
    return await answer(actor, services.snapshot_schedules.create(actor, body))


@router.get("/{ref}", response_model=SnapshotScheduleView)
async def get_snapshot_schedule(actor: Reader, services: ServicesDep, ref: Ref) -> Response:
    """One snapshot schedule, with what its last run has come to."""
    return send(_ONE, snapshot_schedule_view(actor, await services.snapshot_schedules.get(actor, ref)))


@router.patch("/{ref}", status_code=202, responses=CHANGE_RESPONSES)
async def edit_snapshot_schedule(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref,
                                 body: SnapshotScheduleEdit) -> Response:  # fmt: skip
    """Change a snapshot schedule, enable or disable it."""
    return await answer(actor, services.snapshot_schedules.edit(actor, ref, body))


@router.post("/{ref}/run", status_code=202, responses=CHANGE_RESPONSES)
async def run_snapshot_schedule(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Have a snapshot schedule done now, whether it is enabled or not."""
    return await answer(actor, services.snapshot_schedules.run(actor, ref))


@router.delete("/{ref}", status_code=202, responses=CHANGE_RESPONSES)
async def delete_snapshot_schedule(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Delete a snapshot schedule; the snapshots that it has taken stay."""
    return await answer(actor, services.snapshot_schedules.delete(actor, ref))
