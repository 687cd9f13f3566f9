"""Accounts."""

from __future__ import annotations

from altus.sdk.resources import Resources
from altus.sdk.shapes import read
from altus.wire.users import UserCreate, UserDetails, UserEdit, UserSecret, UserView


class Users(Resources[UserView]):
    """`/users`."""

    path = "/users"
    view = UserView

    async def get(self, reference: str) -> UserDetails:
        """One with its groups and grants, as far as one may see them."""
        return read(UserDetails, (await self._transport.call("GET", self._one(reference))).body)

    async def create(self, body: UserCreate) -> UserSecret:
        """A new account without rights, with its one-time password."""
        return read(UserSecret, (await self._transport.call("POST", self.path, body=body)).body)

    async def edit(self, user: str, body: UserEdit) -> UserView:
        """Change it; disabling ends its sessions at once."""
        answer = await self._transport.call("PATCH", self._one(user), body=body, repeat=True)
        return read(UserView, answer.body)

    async def delete(self, user: str) -> None:
        """Remove it with its grants, sessions and tokens."""
        await self._transport.call("DELETE", self._one(user))

    async def unlock(self, user: str) -> UserView:
        """Let it log in again before its lock-out is over."""
        return read(UserView, (await self._transport.call("POST", self._one(user, "unlock"), repeat=True)).body)

    async def reset_password(self, user: str) -> UserSecret:
        """A one-time password; its sessions and tokens end."""
        return read(UserSecret, (await self._transport.call("POST", self._one(user, "reset-password"))).body)

    async def logout(self, user: str) -> None:
        """End all its sessions."""
        await self._transport.call("POST", self._one(user, "logout"), repeat=True)
