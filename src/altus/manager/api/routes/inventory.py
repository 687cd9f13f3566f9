"""Hosts, storages and projects."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import (
    CHANGE_RESPONSES,
    AnswerDep,
    Listing,
    Ref,
    Requires,
    SelectionDep,
    ServicesDep,
    send,
)
from altus.manager.api.views import host_view
from altus.model.actor import Actor
from altus.model.host_action import HostAction
from altus.model.permission import Permission
from altus.wire.base import ListView
from altus.wire.resources import HostEdit, HostView, ProjectCreate, ProjectView, StorageView

router = APIRouter(tags=["inventory"])
_HOST, _HOSTS = TypeAdapter(HostView), Listing(HostView)
_STORAGE, _STORAGES = TypeAdapter(StorageView), Listing(StorageView)
_PROJECT, _PROJECTS = TypeAdapter(ProjectView), Listing(ProjectView)
HostReader = Annotated[Actor, Depends(Requires(Permission.HOST_READ))]
HostWriter = Annotated[Actor, Depends(Requires(Permission.HOST_WRITE))]
StorageReader = Annotated[Actor, Depends(Requires(Permission.STORAGE_READ))]
ProjectReader = Annotated[Actor, Depends(Requires(Permission.PROJECT_READ))]
ProjectWriter = Annotated[Actor, Depends(Requires(Permission.PROJECT_WRITE))]


@router.get("/hosts", response_model=ListView[HostView])
async def list_hosts(actor: HostReader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Hosts, a page at a time."""
    page = await services.inventory.hosts(actor, selection.query)
    cpus = await services.pools.cpus()
    views = [host_view(actor, host, cpus) for host in page.items]
    return selection.send(_HOSTS, views, page.next)


@router.get("/hosts/{ref}", response_model=HostView)
async def get_host(actor: HostReader, services: ServicesDep, ref: Ref) -> Response:
    """One host, as it describes itself."""
    return send(_HOST, host_view(actor, await services.inventory.host(actor, ref), await services.pools.cpus()))


@router.patch("/hosts/{ref}", response_model=HostView)
async def edit_host(actor: HostWriter, services: ServicesDep, ref: Ref, body: HostEdit) -> Response:
    """Change a host's pool, its tags, and what it keeps for itself."""
    host = await services.inventory.edit_host(actor, ref, body)
    return send(_HOST, host_view(actor, host, await services.pools.cpus()))


@router.post("/hosts/{ref}/maintain", status_code=202, responses=CHANGE_RESPONSES)
async def maintain_host(actor: HostWriter, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Maintenance on: it takes no VMs any more, and those that run on it move to other hosts. Refused, naming them, if
    some cannot."""
    return await answer(actor, services.inventory.change_host(actor, ref, HostAction.MAINTAIN))


@router.post("/hosts/{ref}/activate", status_code=202, responses=CHANGE_RESPONSES)
async def activate_host(actor: HostWriter, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Maintenance off: it takes VMs again."""
    return await answer(actor, services.inventory.change_host(actor, ref, HostAction.ACTIVATE))


@router.post("/hosts/{ref}/renew", status_code=202, responses=CHANGE_RESPONSES)
async def renew_host(actor: HostWriter, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Give a host a new key and certificate, and revoke its old one. The manager does so by itself before a
    certificate expires."""
    return await answer(actor, services.inventory.change_host(actor, ref, HostAction.RENEW))


@router.delete("/hosts/{ref}", status_code=202, responses=CHANGE_RESPONSES)
async def remove_host(actor: HostWriter, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Take an empty host in maintenance out of the pool; its certificate is revoked."""
    return await answer(actor, services.inventory.change_host(actor, ref, HostAction.REMOVE))


@router.post("/hosts/{ref}/forget", status_code=202, responses=CHANGE_RESPONSES)
async def forget_host(actor: HostWriter, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Give up a host that is dead, with all that only it reached; the plan tells what is lost."""
    return await answer(actor, services.inventory.change_host(actor, ref, HostAction.FORGET))


@router.get("/storages", response_model=ListView[StorageView])
async def list_storages(actor: StorageReader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Storage repositories, a page at a time."""
    page = await services.inventory.storages(actor, selection.query)
    views = [StorageView.model_validate(storage) for storage in page.items]
    return selection.send(_STORAGES, views, page.next)


@router.get("/storages/{ref}", response_model=StorageView)
async def get_storage(actor: StorageReader, services: ServicesDep, ref: Ref) -> Response:
    """One repository."""
    return send(_STORAGE, StorageView.model_validate(await services.inventory.storage(actor, ref)))


@router.get("/projects", response_model=ListView[ProjectView])
async def list_projects(actor: ProjectReader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Projects, a page at a time."""
    page = await services.inventory.projects(actor, selection.query)
    views = [ProjectView.model_validate(project) for project in page.items]
    return selection.send(_PROJECTS, views, page.next)


@router.post("/projects", status_code=201, response_model=ProjectView)
async def create_project(actor: ProjectWriter, services: ServicesDep, body: ProjectCreate) -> Response:
    """Create a project."""
    return send(_PROJECT, ProjectView.model_validate(await services.inventory.create_project(actor, body.name)), 201)
