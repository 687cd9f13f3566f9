"""Snapshots of VMs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import CHANGE_RESPONSES, AnswerDep, Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.manager.api.views import snapshot_view
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.base import ListView
from altus.wire.snapshots import SnapshotCreate, SnapshotView

router = APIRouter(prefix="/vms/{ref}/snapshots", tags=["snapshots"])
_ONE, _LIST = TypeAdapter(SnapshotView), Listing(SnapshotView)
Reader = Annotated[Actor, Depends(Requires(Permission.SNAPSHOT_READ))]
Writer = Annotated[Actor, Depends(Requires(Permission.SNAPSHOT_WRITE))]


@router.get("", response_model=ListView[SnapshotView])
async def list_snapshots(actor: Reader, services: ServicesDep, ref: Ref, selection: SelectionDep) -> Response:
    """Snapshots of a VM, a page at a time."""
    vm, page = await services.snapshots.page(actor, ref, selection.query)
    return selection.send(_LIST, [snapshot_view(actor, vm, one) for one in page.items], page.next)


@router.post("", status_code=202, responses=CHANGE_RESPONSES)
async def create_snapshot(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref,
                          body: SnapshotCreate) -> Response:  # fmt: skip
    """Take a snapshot of all disks of a VM at one instant; a running guest goes on."""
    return await answer(actor, services.snapshots.create(actor, ref, body))


@router.get("/{snapshot}", response_model=SnapshotView)
async def get_snapshot(actor: Reader, services: ServicesDep, ref: Ref, snapshot: Ref) -> Response:
    """One snapshot."""
    return send(_ONE, snapshot_view(actor, *await services.snapshots.get(actor, ref, snapshot)))


@router.post("/{snapshot}/revert", status_code=202, responses=CHANGE_RESPONSES)
async def revert_snapshot(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref,
                          snapshot: Ref) -> Response:  # fmt: skip
    """Let the VM be as it was when the snapshot was taken; a running one's power is cut, and it starts again."""
    return await answer(actor, services.snapshots.revert(actor, ref, snapshot))


@router.post("/{snapshot}/keep", status_code=202, responses=CHANGE_RESPONSES)
async def keep_snapshot(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref,
                        snapshot: Ref) -> Response:  # fmt: skip
    """Let no schedule delete a snapshot: it stays until somebody does."""
    return await answer(actor, services.snapshots.keep(actor, ref, snapshot))


@router.delete("/{snapshot}", status_code=202, responses=CHANGE_RESPONSES)
async def delete_snapshot(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref,
                          snapshot: Ref) -> Response:  # fmt: skip
    """Delete a snapshot, in any order; the VM must be off, and goes on as it is."""
    return await answer(actor, services.snapshots.delete(actor, ref, snapshot))
