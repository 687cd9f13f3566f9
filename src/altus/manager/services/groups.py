"""Groups of accounts. As membership carries rights, they are the security administrator's work (row S1)."""

from __future__ import annotations

from typing import Any

from altus.common.ids import new_id
from altus.manager.services.access import Access
from altus.manager.services.audit import Act, AuditLog
from altus.manager.services.guard import check_duties, require_other
from altus.manager.store import accounts as rows
from altus.manager.store.accounts import ACCOUNT, GRANT, GRANTS, GROUP, GROUPS
from altus.manager.store.database import Database, Tx
from altus.model.account import Account, Group, check_account_name, check_display_name
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page


class GroupService:
    """Changes need `grant:write`, looking `user:read`."""

    def __init__(self, db: Database, audit: AuditLog, access: Access) -> None:
        self._db = db
        self._audit = audit
        self._access = access

    async def list(self, actor: Actor, query: ListQuery) -> Page[Group]:
        """One page."""
        actor.require(Permission.USER_READ)
        return await self._db.read(lambda tx: GROUP.page(tx, query))

    async def get(self, actor: Actor, reference: str) -> tuple[Group, tuple[Account, ...]]:
        """One by id or name, with its members."""
        actor.require(Permission.USER_READ)

        def look(tx: Tx) -> tuple[Group, tuple[Account, ...]]:
            group = GROUP.find(tx, reference)
            return group, tuple(rows.members_of(tx, group.id))

        return await self._db.read(look)

    async def create(self, actor: Actor, name: str, description: str = "") -> Group:
        """An empty group; `Conflict` (`group.name_taken`)."""
        act = Act("group.create", object_name=name)

        def work(tx: Tx) -> Group:
            actor.require(Permission.GRANT_WRITE)
            check_account_name(name)
            GROUP.require_free_name(tx, name)
            group = Group(id=new_id(), name=name, description=check_display_name(description))
            act.about(group)
            return GROUP.insert(tx, group)

        return await self._audit.change(actor, act, work)

    async def update(self, actor: Actor, reference: str, *, name: str | None = None, description: str | None = None,
                     revision: int | None = None) -> Group:  # fmt: skip
        """Rename or describe it."""
        act = Act("group.update", object_name=reference)

        def work(tx: Tx) -> Group:
            actor.require(Permission.GRANT_WRITE)
            group = GROUP.find(tx, reference)
            act.about(group)
            changes: dict[str, Any] = {}
            if name is not None and name != group.name:
                GROUP.require_free_name(tx, check_account_name(name))
                changes["name"] = name
            if description is not None:
                changes["description"] = check_display_name(description)
            act.details = dict(changes)
            return GROUP.edit(tx, group, expected=revision, **changes)

        return await self._audit.change(actor, act, work)

    async def delete(self, actor: Actor, reference: str) -> None:
        """Remove it with its grants; the accounts stay. `Conflict` (`duty.last_administrator`)."""
        act = Act("group.delete", object_name=reference)

        def work(tx: Tx) -> None:
            actor.require(Permission.GRANT_WRITE)
            group = GROUP.find(tx, reference)
            act.about(group)
            rows.remove_members(tx, group_id=group.id)
            GRANT.delete(tx, GRANTS.table.c.subject_id == group.id)
            GROUP.delete(tx, GROUPS.table.c.id == group.id)
            self._settle(tx)

        await self._audit.change(actor, act, work)

    async def add_member(self, actor: Actor, group: str, account: str) -> None:
        """Put an account into a group; being there is fine. `Forbidden` (`grant.self`), `Conflict`
        (`duty.separation`)."""
        act = Act("group.add_member", object_name=group, details={"account": account})

        def work(tx: Tx) -> None:
            found, member = self._pair(tx, actor, act, group, account)
            require_other(actor, member.id)
            rows.add_member(tx, found.id, member.id)
            self._settle(tx)

        await self._audit.change(actor, act, work)

    async def remove_member(self, actor: Actor, group: str, account: str) -> None:
        """Take an account out of a group; not being there is fine. `Conflict` (`duty.last_administrator`)."""
        act = Act("group.remove_member", object_name=group, details={"account": account})

        def work(tx: Tx) -> None:
            found, member = self._pair(tx, actor, act, group, account)
            rows.remove_members(tx, group_id=found.id, account_id=member.id)
            self._settle(tx)

        await self._audit.change(actor, act, work)

    def _pair(self, tx: Tx, actor: Actor, act: Act, group: str, account: str) -> tuple[Group, Account]:
        actor.require(Permission.GRANT_WRITE)
        found, member = GROUP.find(tx, group), ACCOUNT.find(tx, account)
        act.about(found)
        act.details = {"account": member.name, "account_id": member.id}
        return found, member

    def _settle(self, tx: Tx) -> None:
        check_duties(tx)
        tx.on_commit(self._access.forget)
