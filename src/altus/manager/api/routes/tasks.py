"""Tasks and the doctor."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.manager.api.views import task_view
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.base import ListView
from altus.wire.tasks import DoctorView, FindingView, TaskView

router = APIRouter(tags=["tasks"])
_ONE, _LIST, _DOCTOR = TypeAdapter(TaskView), Listing(TaskView), TypeAdapter(DoctorView)
Reader = Annotated[Actor, Depends(Requires(Permission.TASK_READ))]
Canceller = Annotated[Actor, Depends(Requires(Permission.TASK_CANCEL))]
Examiner = Annotated[Actor, Depends(Requires(Permission.SYSTEM_CHECK))]


@router.get("/tasks", response_model=ListView[TaskView])
async def list_tasks(actor: Reader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Tasks, a page at a time."""
    page = await services.tasks.page(actor, selection.query)
    views = [task_view(task) for task in page.items]
    return selection.send(_LIST, views, page.next)


@router.get("/tasks/{ref}", response_model=TaskView)
async def get_task(actor: Reader, services: ServicesDep, ref: Ref) -> Response:
    """One task: its steps, how far it is, and what it waits for."""
    task, waits_for = await services.tasks.get(actor, ref)
    return send(_ONE, task_view(task, waits_for))


@router.get("/tasks/{ref}/children", response_model=ListView[TaskView])
async def list_task_children(actor: Reader, services: ServicesDep, ref: Ref) -> Response:
    """The tasks which a task started."""
    children = await services.tasks.children(actor, ref)
    return _LIST.send([task_view(child) for child in children])


@router.post("/tasks/{ref}/cancel", response_model=TaskView)
async def cancel_task(actor: Canceller, services: ServicesDep, ref: Ref) -> Response:
    """Ask a task to end; what it did is undone."""
    return send(_ONE, task_view(await services.tasks.cancel(actor, ref)))


@router.get("/doctor", response_model=DoctorView)
async def examine(actor: Examiner, services: ServicesDep) -> Response:
    """Compare the database with what every host really has."""
    diagnosis = await services.doctor.examine(actor)
    findings = [FindingView.model_validate(finding) for finding in diagnosis.findings]
    return send(_DOCTOR, DoctorView(healthy=not findings, checked=diagnosis.checked, findings=findings))
