"""Accounts: made by the system administrator, given rights by the security administrator."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.manager.api.deps import Listing, Ref, Requires, SelectionDep, ServicesDep, send
from altus.manager.services.accounts import AccountDetails
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.wire.base import ListView
from altus.wire.users import GrantView, UserCreate, UserDetails, UserEdit, UserSecret, UserView

router = APIRouter(prefix="/users", tags=["users"])
_ONE, _LIST, _DETAILS = TypeAdapter(UserView), Listing(UserView), TypeAdapter(UserDetails)
_SECRET = TypeAdapter(UserSecret)
Reader = Annotated[Actor, Depends(Requires(Permission.USER_READ))]
Creator = Annotated[Actor, Depends(Requires(Permission.USER_CREATE))]
Manager = Annotated[Actor, Depends(Requires(Permission.SELF))]
"""Who may manage an account depends on its duty: the service decides (`services/guard.py`)."""


def _details(found: AccountDetails) -> UserDetails:
    shown: dict[str, Any] = {
        **vars(found.account),
        "duty": found.duty,
        "groups": [group.name for group in found.groups],
        "grants": [GrantView.model_validate(grant) for grant in found.grants],
    }
    return UserDetails.model_validate(shown)


@router.get("", response_model=ListView[UserView])
async def list_users(actor: Reader, services: ServicesDep, selection: SelectionDep) -> Response:
    """Accounts, a page at a time."""
    page = await services.security.accounts.list(actor, selection.query)
    views = [UserView.model_validate(account) for account in page.items]
    return selection.send(_LIST, views, page.next)


@router.post("", status_code=201, response_model=UserSecret)
async def create_user(actor: Creator, services: ServicesDep, body: UserCreate) -> Response:
    """A new account without rights, with a one-time password."""
    account, password = await services.security.accounts.create(actor, body.name, body.display_name, body.password)
    return send(_SECRET, UserSecret.model_validate({**vars(account), "password": password}), 201)


@router.get("/{ref}", response_model=UserDetails)
async def get_user(actor: Manager, services: ServicesDep, ref: Ref) -> Response:
    """One account."""
    return send(_DETAILS, _details(await services.security.accounts.get(actor, ref)))


@router.patch("/{ref}", response_model=UserView)
async def edit_user(actor: Manager, services: ServicesDep, ref: Ref, body: UserEdit) -> Response:
    """Change an account; disabling ends its sessions at once."""
    account = await services.security.accounts.update(actor, ref, display_name=body.display_name, enabled=body.enabled)
    return send(_ONE, UserView.model_validate(account))


@router.delete("/{ref}", status_code=204)
async def delete_user(actor: Manager, services: ServicesDep, ref: Ref) -> Response:
    """Remove an account with its grants, sessions and tokens."""
    await services.security.accounts.delete(actor, ref)
    return Response(status_code=204)


@router.post("/{ref}/unlock", response_model=UserView)
async def unlock_user(actor: Manager, services: ServicesDep, ref: Ref) -> Response:
    """Let an account log in again before its lock-out is over."""
    return send(_ONE, UserView.model_validate(await services.security.accounts.unlock(actor, ref)))


@router.post("/{ref}/reset-password", response_model=UserSecret)
async def reset_password(actor: Manager, services: ServicesDep, ref: Ref) -> Response:
    """A one-time password for somebody who forgot his."""
    password = await services.security.accounts.reset_password(actor, ref)
    found = await services.security.accounts.get(actor, ref)
    return send(_SECRET, UserSecret.model_validate({**vars(found.account), "password": password}))


@router.post("/{ref}/logout", status_code=204)
async def logout_user(actor: Manager, services: ServicesDep, ref: Ref) -> Response:
    """End all sessions of an account."""
    await services.security.sessions.revoke_all(actor, ref)
    return Response(status_code=204)
