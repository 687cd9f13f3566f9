"""Grants: which account or group has which role, and where. Security administrators' work (row S1)."""

from __future__ import annotations

from altus.common.errors import Conflict, InvalidInput
from altus.common.ids import new_id
from altus.manager.services.access import Access
from altus.manager.services.audit import Act, AuditLog
from altus.manager.services.guard import check_duties, require_other
from altus.manager.services.roles import find_role
from altus.manager.services.scopes import check_scope
from altus.manager.store import accounts as rows
from altus.manager.store.accounts import ACCOUNT, GRANT, GRANTS, GROUP
from altus.manager.store.database import Database, Tx
from altus.model.account import Account, Grant, Group, SubjectKind
from altus.model.actor import Actor
from altus.model.permission import Duty, Permission, Role, Scope, ScopeKind
from altus.model.query import ListQuery, Page

_TABLE = GRANTS.table


class GrantService:
    """Nobody grants to himself, and no account gets roles of two duties, not through groups either."""

    def __init__(self, db: Database, audit: AuditLog, access: Access) -> None:
        self._db = db
        self._audit = audit
        self._access = access

    async def list(self, actor: Actor, query: ListQuery) -> Page[Grant]:
        """One page. Needs `grant:read`."""
        actor.require(Permission.GRANT_READ)
        return await self._db.read(lambda tx: GRANT.page(tx, query))

    async def create(self, actor: Actor, subject_kind: SubjectKind, subject: str, role: str,
                     scope: Scope | None = None) -> Grant:  # fmt: skip
        """Give a role to an account or group (by id or name); granting the same again returns what is there. Needs
        `grant:write`; `Forbidden` (`grant.self`), `Conflict` (`duty.separation`), `InvalidInput` (`grant.scope`: only
        roles of system duty can be narrowed), `NotFound`."""
        scope = scope or Scope()
        act = Act("grant.create", details={"subject": subject, "role": role, "scope": scope.kind.value,
                                           "scope_id": scope.id})  # fmt: skip

        def work(tx: Tx) -> Grant:
            actor.require(Permission.GRANT_WRITE)
            holder = _subject(tx, actor, subject_kind, subject)
            act.object_name = holder.name
            _check_scope_of(tx, find_role(tx, role), scope)
            same = (_TABLE.c.subject_id == holder.id, _TABLE.c.role == role, _TABLE.c.scope_kind == scope.kind,
                    _TABLE.c.scope_id == scope.id)  # fmt: skip
            grant = GRANT.first(tx, *same) or GRANT.insert(
                tx,
                Grant(id=new_id(), subject_kind=subject_kind, subject_id=holder.id, role=role, scope_kind=scope.kind,
                      scope_id=scope.id, granted_by=actor.name),
            )  # fmt: skip
            act.object_id = grant.id
            check_duties(tx)
            tx.on_commit(self._access.forget)
            return grant

        return await self._audit.change(actor, act, work)

    async def delete(self, actor: Actor, grant_id: str) -> None:
        """Take a role away again. Needs `grant:write`; `Conflict` for the grants of built-in accounts (`grant.builtin`)
        and the last administrator of a duty (`duty.last_administrator`)."""
        act = Act("grant.delete", grant_id)

        def work(tx: Tx) -> None:
            actor.require(Permission.GRANT_WRITE)
            grant = GRANT.get(tx, grant_id)
            act.details = {"subject_id": grant.subject_id, "role": grant.role, "scope": grant.scope_kind.value}
            if grant.builtin:
                raise Conflict("Built-in accounts keep their role.", code="grant.builtin",
                               hint="The account can be disabled once another one has the role.")  # fmt: skip
            GRANT.delete(tx, _TABLE.c.id == grant_id)
            check_duties(tx)
            tx.on_commit(self._access.forget)

        await self._audit.change(actor, act, work)


def _subject(tx: Tx, actor: Actor, kind: SubjectKind, reference: str) -> Account | Group:
    if kind is SubjectKind.ACCOUNT:
        account = ACCOUNT.find(tx, reference)
        require_other(actor, account.id)
        return account
    group = GROUP.find(tx, reference)
    if rows.is_member(tx, group.id, actor.account_id):
        require_other(actor, actor.account_id)
    return group


def _check_scope_of(tx: Tx, role: Role, scope: Scope) -> None:
    if role.duty is not Duty.SYSTEM and scope.kind is not ScopeKind.EVERYTHING:
        raise InvalidInput(f"A role of {role.duty} duty holds everywhere.", code="grant.scope",
                           hint="Leave the scope out.")  # fmt: skip
    check_scope(tx, scope)
