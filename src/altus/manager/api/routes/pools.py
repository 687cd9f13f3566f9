"""Pools of hosts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.manager.api.views import pool_view
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.base import ListView
from altus.wire.pools import PoolCreate, PoolEdit, PoolView

router = APIRouter(prefix="/pools", tags=["pools"])
_ONE, _MANY = TypeAdapter(PoolView), Listing(PoolView)
Reader = Annotated[Actor, Depends(Requires(Permission.POOL_READ))]
Writer = Annotated[Actor, Depends(Requires(Permission.POOL_WRITE))]


@router.get("", response_model=ListView[PoolView])
async def list_pools(actor: Reader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Pools, a page at a time."""
    page = await services.pools.page(actor, selection.query)
    cpus = await services.pools.cpus()
    return selection.send(_MANY, [pool_view(actor, pool, cpus) for pool in page.items], page.next)


@router.post("", status_code=201, response_model=PoolView)
async def create_pool(actor: Writer, services: ServicesDep, body: PoolCreate) -> Response:
    """Create a pool."""
    pool = await services.pools.create(actor, body)
    return send(_ONE, pool_view(actor, pool, await services.pools.cpus()), 201)


@router.get("/{ref}", response_model=PoolView)
async def get_pool(actor: Reader, services: ServicesDep, ref: Ref) -> Response:
    """One pool."""
    pool = await services.pools.get(actor, ref)
    return send(_ONE, pool_view(actor, pool, await services.pools.cpus()))


@router.patch("/{ref}", response_model=PoolView)
async def edit_pool(actor: Writer, services: ServicesDep, ref: Ref, body: PoolEdit) -> Response:
    """Change a pool."""
    pool = await services.pools.edit(actor, ref, body)
    return send(_ONE, pool_view(actor, pool, await services.pools.cpus()))


@router.delete("/{ref}", status_code=204)
async def delete_pool(actor: Writer, services: ServicesDep, ref: Ref) -> None:
    """Delete a pool without hosts."""
    await services.pools.delete(actor, ref)
