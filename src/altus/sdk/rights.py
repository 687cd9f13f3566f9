"""Groups, grants, roles and policies: the security administrator's work."""

from __future__ import annotations

from collections.abc import Mapping

from altus.sdk.resources import Noun, Resources
from altus.sdk.shapes import make, read, read_page, segment
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
)


class Groups(Resources[GroupView]):
    """`/groups`."""

    path = "/groups"
    view = GroupView

    async def get(self, reference: str) -> GroupDetails:
        """One with its members."""
        return read(GroupDetails, (await self._transport.call("GET", self._one(reference))).body)

    async def create(self, name: str, description: str = "") -> GroupView:
        """An empty group."""
        body = make(GroupCreate, name=name, description=description)
        return read(GroupView, (await self._transport.call("POST", self.path, body=body)).body)

    async def delete(self, group: str) -> None:
        """Remove it with its grants; the accounts stay."""
        await self._transport.call("DELETE", self._one(group))

    async def add(self, group: str, user: str) -> None:
        """Put an account into it; being there is fine."""
        await self._transport.call("PUT", self._one(group, f"members/{segment(user)}"), repeat=True)

    async def remove(self, group: str, user: str) -> None:
        """Take an account out of it; not being there is fine."""
        await self._transport.call("DELETE", self._one(group, f"members/{segment(user)}"), repeat=True)


class Grants(Resources[GrantView]):
    """`/grants`; looked at in lists only."""

    path = "/grants"
    view = GrantView

    async def create(self, body: GrantCreate) -> GrantView:
        """Give a role; giving it again returns what is there."""
        return read(GrantView, (await self._transport.call("POST", self.path, body=body, repeat=True)).body)

    async def delete(self, grant_id: str) -> None:
        """Take it away again."""
        await self._transport.call("DELETE", self._one(grant_id))


class Roles(Noun):
    """`/roles`."""

    async def list(self) -> ListView[RoleView]:
        """All, built-in ones first."""
        return read_page(RoleView, (await self._transport.call("GET", "/roles")).body)

    async def create(self, body: RoleCreate) -> RoleView:
        """A role of one duty."""
        return read(RoleView, (await self._transport.call("POST", "/roles", body=body)).body)

    async def delete(self, role: str) -> None:
        """Remove one that nobody has."""
        await self._transport.call("DELETE", f"/roles/{segment(role)}")


class Policies(Noun):
    """`/policies`: `password` and `session`."""

    async def get(self, name: str) -> PolicyView:
        """The values in force."""
        return read(PolicyView, (await self._transport.call("GET", f"/policies/{segment(name)}")).body)

    async def edit(self, name: str, values: Mapping[str, int | bool]) -> PolicyView:
        """Change some values."""
        path, body = f"/policies/{segment(name)}", make(PolicyEdit, values=dict(values))
        return read(PolicyView, (await self._transport.call("PATCH", path, body=body, repeat=True)).body)
