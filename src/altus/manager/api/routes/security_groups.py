"""Security groups."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import CHANGE_RESPONSES, AnswerDep, Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.manager.api.views import security_group_view
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.base import ListView
from altus.wire.security_groups import SecurityGroupCreate, SecurityGroupEdit, SecurityGroupView

router = APIRouter(prefix="/security-groups", tags=["security-groups"])
_ONE, _LIST = TypeAdapter(SecurityGroupView), Listing(SecurityGroupView)
Reader = Annotated[Actor, Depends(Requires(Permission.SECURITY_GROUP_READ))]
Writer = Annotated[Actor, Depends(Requires(Permission.SECURITY_GROUP_WRITE))]


@router.get("", response_model=ListView[SecurityGroupView])
async def list_security_groups(actor: Reader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Security groups, a page at a time."""
    page = await services.security_groups.page(actor, selection.query)
    return selection.send(_LIST, [security_group_view(actor, group) for group in page.items], page.next)


@router.post("", status_code=202, responses=CHANGE_RESPONSES)
async def create_security_group(actor: Writer, services: ServicesDep, answer: AnswerDep,
                                body: SecurityGroupCreate) -> Response:  # fmt: skip
    """Create a security group."""
    return await answer(actor, services.security_groups.create(actor, body))


@router.get("/{ref}", response_model=SecurityGroupView)
async def get_security_group(actor: Reader, services: ServicesDep, ref: Ref) -> Response:
    """One security group."""
    return send(_ONE, security_group_view(actor, await services.security_groups.get(actor, ref)))


@router.patch("/{ref}", status_code=202, responses=CHANGE_RESPONSES)
async def edit_security_group(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref,
                              body: SecurityGroupEdit) -> Response:  # fmt: skip
    """Change a security group; its members are held to it at once."""
    return await answer(actor, services.security_groups.edit(actor, ref, body))


@router.delete("/{ref}", status_code=202, responses=CHANGE_RESPONSES)
async def delete_security_group(actor: Writer, services: ServicesDep, answer: AnswerDep, ref: Ref) -> Response:
    """Delete a security group that nobody uses."""
    return await answer(actor, services.security_groups.delete(actor, ref))
