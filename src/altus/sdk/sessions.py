"""Logging in and out, one's own password, sessions and API tokens."""

from __future__ import annotations

from altus.sdk.resources import Noun
from altus.sdk.shapes import make, read, read_page, segment
from altus.sdk.transport import Query
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


class Sessions(Noun):
    """`/sessions` and `/password`: one's own."""

    async def login(self, name: str, password: str) -> SessionOpened:
        """A new session; make a client with its `token`."""
        answer = await self._transport.call("POST", "/sessions", body=make(Login, name=name, password=password))
        return read(SessionOpened, answer.body)

    async def logout(self) -> None:
        """End the session with which this is asked."""
        await self._transport.call("DELETE", "/sessions/current")

    async def whoami(self) -> WhoamiView:
        """Who this client is to the manager, and which operations it may use."""
        return read(WhoamiView, (await self._transport.call("GET", "/sessions/current")).body)

    async def list(self) -> ListView[SessionView]:
        """One's own sessions."""
        return read_page(SessionView, (await self._transport.call("GET", "/sessions")).body)

    async def revoke(self, session_id: str) -> None:
        """End one of one's own sessions."""
        await self._transport.call("DELETE", f"/sessions/{segment(session_id)}")

    async def change_password(self, old: str, new: str) -> None:
        """Change one's own password; one's other sessions end."""
        await self._transport.call("POST", "/password", body=make(PasswordChange, old=old, new=new))


class Tokens(Noun):
    """`/tokens`: one's own, or those of a `user` whom one may manage."""

    async def list(self, user: str | None = None) -> ListView[TokenView]:
        """Without their texts."""
        return read_page(TokenView, (await self._transport.call("GET", "/tokens", query=_of(user))).body)

    async def create(self, body: TokenCreate) -> TokenCreated:
        """A new one of one's own; its text is shown this once."""
        return read(TokenCreated, (await self._transport.call("POST", "/tokens", body=body)).body)

    async def revoke(self, token: str, user: str | None = None) -> None:
        """End one, by id or name, at once."""
        await self._transport.call("DELETE", f"/tokens/{segment(token)}", query=_of(user))


def _of(user: str | None) -> Query:
    return [] if user is None else [("user", user)]
