"""Groups, grants, roles and policies: the security administrator's work."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.model.actor import Actor
from altus.model.permission import Permission, Role, Scope
from altus.model.policy import PasswordPolicy, SessionPolicy
from altus.wire.base import ListView
from altus.wire.users import (
    GrantCreate,
    GrantView,
    GroupCreate,
    GroupDetails,
    GroupView,
    PolicyEdit,
    PolicyView,
    RoleCreate,
    RoleView,
    UserView,
)

router = APIRouter(tags=["rights"])
_GROUP, _GROUPS, _GROUP_DETAILS = TypeAdapter(GroupView), Listing(GroupView), TypeAdapter(GroupDetails)
_GRANT, _GRANTS = TypeAdapter(GrantView), Listing(GrantView)
_ROLE, _ROLES, _POLICY = TypeAdapter(RoleView), Listing(RoleView), TypeAdapter(PolicyView)
UserReader = Annotated[Actor, Depends(Requires(Permission.USER_READ))]
GrantReader = Annotated[Actor, Depends(Requires(Permission.GRANT_READ))]
GrantWriter = Annotated[Actor, Depends(Requires(Permission.GRANT_WRITE))]
PolicyReader = Annotated[Actor, Depends(Requires(Permission.POLICY_READ))]
PolicyWriter = Annotated[Actor, Depends(Requires(Permission.POLICY_WRITE))]


@router.get("/groups", response_model=ListView[GroupView])
async def list_groups(actor: UserReader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Groups, a page at a time."""
    page = await services.security.groups.list(actor, selection.query)
    views = [GroupView.model_validate(group) for group in page.items]
    return selection.send(_GROUPS, views, page.next)


@router.post("/groups", status_code=201, response_model=GroupView)
async def create_group(actor: GrantWriter, services: ServicesDep, body: GroupCreate) -> Response:
    """An empty group."""
    group = await services.security.groups.create(actor, body.name, body.description)
    return send(_GROUP, GroupView.model_validate(group), 201)


@router.get("/groups/{ref}", response_model=GroupDetails)
async def get_group(actor: UserReader, services: ServicesDep, ref: Ref) -> Response:
    """One group with its members."""
    group, members = await services.security.groups.get(actor, ref)
    shown: dict[str, Any] = {**vars(group), "members": [UserView.model_validate(member) for member in members]}
    return send(_GROUP_DETAILS, GroupDetails.model_validate(shown))


@router.delete("/groups/{ref}", status_code=204)
async def delete_group(actor: GrantWriter, services: ServicesDep, ref: Ref) -> Response:
    """Remove a group with its grants; the accounts stay."""
    await services.security.groups.delete(actor, ref)
    return Response(status_code=204)


@router.put("/groups/{ref}/members/{user}", status_code=204)
async def add_group_member(actor: GrantWriter, services: ServicesDep, ref: Ref, user: Ref) -> Response:
    """Put an account into a group."""
    await services.security.groups.add_member(actor, ref, user)
    return Response(status_code=204)


@router.delete("/groups/{ref}/members/{user}", status_code=204)
async def remove_group_member(actor: GrantWriter, services: ServicesDep, ref: Ref, user: Ref) -> Response:
    """Take an account out of a group."""
    await services.security.groups.remove_member(actor, ref, user)
    return Response(status_code=204)


@router.get("/grants", response_model=ListView[GrantView])
async def list_grants(actor: GrantReader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Grants, a page at a time."""
    page = await services.security.grants.list(actor, selection.query)
    views = [GrantView.model_validate(grant) for grant in page.items]
    return selection.send(_GRANTS, views, page.next)


@router.post("/grants", status_code=201, response_model=GrantView)
async def create_grant(actor: GrantWriter, services: ServicesDep, body: GrantCreate) -> Response:
    """Give a role to an account or group within a scope."""
    scope = Scope(body.scope.kind, body.scope.id)
    grant = await services.security.grants.create(actor, body.subject_kind, body.subject, body.role, scope)
    return send(_GRANT, GrantView.model_validate(grant), 201)


@router.delete("/grants/{ref}", status_code=204)
async def delete_grant(actor: GrantWriter, services: ServicesDep, ref: Ref) -> Response:
    """Take a role away again."""
    await services.security.grants.delete(actor, ref)
    return Response(status_code=204)


@router.get("/roles", response_model=ListView[RoleView])
async def list_roles(actor: GrantReader, services: ServicesDep) -> Response:
    """All roles, built-in ones first."""
    roles = await services.security.roles.list(actor)
    return _ROLES.send([_role(role) for role in roles])


@router.post("/roles", status_code=201, response_model=RoleView)
async def create_role(actor: GrantWriter, services: ServicesDep, body: RoleCreate) -> Response:
    """A role of one duty."""
    made = await services.security.roles.create(actor, body.name, body.duty, body.permissions, body.description)
    return send(_ROLE, _role(made.to_role()), 201)


@router.delete("/roles/{ref}", status_code=204)
async def delete_role(actor: GrantWriter, services: ServicesDep, ref: Ref) -> Response:
    """Remove a role that nobody has."""
    await services.security.roles.delete(actor, ref)
    return Response(status_code=204)


@router.get("/policies/{ref}", response_model=PolicyView)
async def get_policy(actor: PolicyReader, services: ServicesDep, ref: Ref) -> Response:
    """The policy `password` or `session`."""
    return send(_POLICY, _policy(await services.security.policies.get(actor, ref)))


@router.patch("/policies/{ref}", response_model=PolicyView)
async def edit_policy(actor: PolicyWriter, services: ServicesDep, ref: Ref, body: PolicyEdit) -> Response:
    """Change values of a policy."""
    return send(_POLICY, _policy(await services.security.policies.update(actor, ref, body.values)))


def _role(role: Role) -> RoleView:
    return RoleView(name=role.name, duty=role.duty, permissions=sorted(role.permissions))


def _policy(policy: PasswordPolicy | SessionPolicy) -> PolicyView:
    return PolicyView(name=policy.name, values=asdict(policy))
