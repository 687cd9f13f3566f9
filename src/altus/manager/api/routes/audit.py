"""The audit trail: read and verified by audit administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import Listing, Requires, SelectionDep, ServicesDep, send
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.base import ListView
from altus.wire.users import AuditVerdictView, AuditView

router = APIRouter(prefix="/audit", tags=["audit"])
_LIST, _VERDICT = Listing(AuditView), TypeAdapter(AuditVerdictView)
Reader = Annotated[Actor, Depends(Requires(Permission.AUDIT_READ))]
Verifier = Annotated[Actor, Depends(Requires(Permission.AUDIT_VERIFY))]


@router.get("", response_model=ListView[AuditView])
async def list_audit(actor: Reader, services: ServicesDep, selection: SelectionDep, since: datetime | None = None,
                     until: datetime | None = None) -> Response:  # fmt: skip
    """Records, a page at a time."""
    page = await services.security.audit.list(actor, selection.numbered, since=since, until=until)
    views = [AuditView.model_validate(record) for record in page.items]
    return selection.send(_LIST, views, page.next)


@router.post("/verify", response_model=AuditVerdictView)
async def verify_audit(actor: Verifier, services: ServicesDep) -> Response:
    """Read the whole trail; name the first broken record and what was done to it."""
    return send(_VERDICT, AuditVerdictView.model_validate(await services.security.audit.verify(actor)))
