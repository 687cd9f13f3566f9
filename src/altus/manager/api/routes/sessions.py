"""Logging in and out, one's own password, sessions and API tokens."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import TypeAdapter

from altus.common.durations import parse_duration
from altus.manager.api.credentials import forget, keep
from altus.manager.api.deps import PUBLIC, Listing, Ref, Requires, ServicesDep, send
from altus.model.actor import Actor
from altus.model.permission import Permission, Scope
from altus.wire.base import ListView
from altus.wire.users import (
    Login,
    PasswordChange,
    SessionOpened,
    SessionView,
    TokenCreate,
    TokenCreated,
    TokenView,
    WhoamiView,
)

router = APIRouter(tags=["sessions"])
_OPENED, _SESSIONS = TypeAdapter(SessionOpened), Listing(SessionView)
_WHOAMI = TypeAdapter(WhoamiView)
_CREATED, _TOKENS = TypeAdapter(TokenCreated), Listing(TokenView)
Self = Annotated[Actor, Depends(Requires(Permission.SELF))]


@router.post("/sessions", status_code=201, response_model=SessionOpened, dependencies=PUBLIC)
async def login(request: Request, services: ServicesDep, body: Login) -> Response:
    """Log in with a password."""
    source = request.client.host if request.client else ""
    sessions = services.security.sessions
    session, token = await sessions.login(body.name, body.password, source, request.state.request_id)
    actor = await services.security.access.authenticate(token, source)
    shown = "" if body.cookie else token
    opened = {**vars(session), "token": shown, "must_change_password": actor.must_change_password}
    response = send(_OPENED, SessionOpened.model_validate(opened), 201)
    if body.cookie:
        keep(response, token)
    return response


@router.get("/sessions", response_model=ListView[SessionView])
async def list_sessions(actor: Self, services: ServicesDep) -> Response:
    """One's own sessions."""
    sessions = await services.security.sessions.list(actor)
    return _SESSIONS.send([SessionView.model_validate(session) for session in sessions])


@router.delete("/sessions/current", status_code=204)
async def logout(actor: Self, services: ServicesDep) -> Response:
    """End this session."""
    await services.security.sessions.logout(actor)
    response = Response(status_code=204)
    forget(response)
    return response


@router.get("/sessions/current", response_model=WhoamiView)
async def whoami(request: Request, actor: Self, services: ServicesDep) -> Response:
    """Who asks, and which operations that one may use."""
    account = (await services.security.accounts.get(actor, actor.account_id)).account
    declared: dict[str, Permission] = request.app.state.operations
    operations = [name for name, permission in declared.items() if actor.may_somewhere(permission)]
    shown = {**vars(account), "account_id": account.id, "duty": actor.duty, "operations": operations,
             "must_change_password": actor.must_change_password}  # fmt: skip
    return send(_WHOAMI, WhoamiView.model_validate(shown))


@router.delete("/sessions/{ref}", status_code=204)
async def revoke_session(actor: Self, services: ServicesDep, ref: Ref) -> Response:
    """End one of one's own sessions."""
    await services.security.sessions.revoke(actor, ref)
    return Response(status_code=204)


@router.post("/password", status_code=204)
async def change_password(actor: Self, services: ServicesDep, body: PasswordChange) -> Response:
    """Change one's own password."""
    await services.security.accounts.set_password(actor, body.old, body.new)
    return Response(status_code=204)


@router.get("/tokens", response_model=ListView[TokenView])
async def list_tokens(actor: Self, services: ServicesDep, user: str | None = None) -> Response:
    """API tokens of one's own account, or of another one that one may manage."""
    tokens = await services.security.tokens.list(actor, user)
    return _TOKENS.send([TokenView.model_validate(token) for token in tokens])


@router.post("/tokens", status_code=201, response_model=TokenCreated)
async def create_token(actor: Self, services: ServicesDep, body: TokenCreate) -> Response:
    """A new API token; its text is shown this once."""
    scope = Scope(body.scope.kind, body.scope.id)
    made, text = await services.security.tokens.create(
        actor, body.name, parse_duration(body.expires_in), body.permissions, scope
    )
    shown: dict[str, Any] = {**vars(made), "token": text}
    return send(_CREATED, TokenCreated.model_validate(shown), 201)


@router.delete("/tokens/{ref}", status_code=204)
async def revoke_token(actor: Self, services: ServicesDep, ref: Ref, user: str | None = None) -> Response:
    """End an API token at once."""
    await services.security.tokens.revoke(actor, ref, user)
    return Response(status_code=204)
