"""Placement explained."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import Requires, ServicesDep, send
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.placement import PlacementQuestion, PlacementView, VerdictView

router = APIRouter(prefix="/placement", tags=["placement"])
_VIEW = TypeAdapter(PlacementView)
Reader = Annotated[Actor, Depends(Requires(Permission.HOST_READ))]


@router.post("/explain", response_model=PlacementView)
async def explain_placement(actor: Reader, services: ServicesDep, body: PlacementQuestion) -> Response:
    """What is thought of every host for a VM, there or imagined; nothing is changed."""
    verdicts = await services.placement.explain(actor, body)
    return send(_VIEW, PlacementView(verdicts=[VerdictView.model_validate(verdict) for verdict in verdicts]))
