"""Accounts (rows S1, S8): made by system administrators, without rights until a security administrator grants some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from altus.common.errors import Conflict, Unauthenticated
from altus.common.ids import new_id
from altus.manager.services.access import Access
from altus.manager.services.audit import Act, AuditLog
from altus.manager.services.credentials import Credentials
from altus.manager.services.guard import check_duties, duty_of_account, require_may_manage, require_may_reset
from altus.manager.store import accounts as rows
from altus.manager.store.accounts import ACCOUNT, GRANT, GRANTS, SESSION, SESSIONS, TOKEN, TOKENS
from altus.manager.store.database import Database, Tx
from altus.model.account import Account, Grant, Group, check_account_name, check_display_name
from altus.model.actor import Actor
from altus.model.password import generate_password
from altus.model.permission import Duty, Permission
from altus.model.policy import PasswordPolicy
from altus.model.query import ListQuery, Page


@dataclass(frozen=True, kw_only=True)
class AccountDetails:
    """An account with its groups; duty and grants (its own and its groups') are empty for who may not see them."""

    account: Account
    groups: tuple[Group, ...]
    duty: Duty | None = None
    grants: tuple[Grant, ...] = ()


class AccountService:
    """Every method takes who asks and raises `Forbidden` (`access.denied`) unless that one may."""

    def __init__(self, db: Database, audit: AuditLog, access: Access, credentials: Credentials) -> None:
        self._db = db
        self._audit = audit
        self._access = access
        self._credentials = credentials

    async def create(self, actor: Actor, name: str, display_name: str = "",
                     password: str | None = None) -> tuple[Account, str]:  # fmt: skip
        """A new account without rights, and its one-time password (generated if none is given). Needs `user:create`;
        `Conflict` (`user.name_taken`)."""
        act = Act("user.create", object_name=name)
        await self._audit.require(actor, Permission.USER_CREATE, act)
        check_account_name(name)
        check_display_name(display_name)
        if password is None:
            password = await self._generated()
            password_hash = await self._credentials.hash(password)
        else:
            password_hash = await self._credentials.prepare(password, name)

        def work(tx: Tx) -> Account:
            ACCOUNT.require_free_name(tx, name)
            account = ACCOUNT.insert(tx, Account(id=new_id(), name=name, display_name=display_name))
            act.about(account)
            self._credentials.put(tx, account.id, password_hash, one_time=True)
            return ACCOUNT.get(tx, account.id)

        return await self._audit.change(actor, act, work), password

    async def list(self, actor: Actor, query: ListQuery) -> Page[Account]:
        """One page. Needs `user:read`."""
        actor.require(Permission.USER_READ)
        return await self._db.read(lambda tx: ACCOUNT.page(tx, query))

    async def get(self, actor: Actor, reference: str) -> AccountDetails:
        """One by id or name. Needs `user:read`, and `grant:read` to see duty and grants of others."""
        own = reference in (actor.account_id, actor.name)
        actor.require(Permission.SELF if own else Permission.USER_READ)

        def look(tx: Tx) -> AccountDetails:
            account = ACCOUNT.find(tx, reference)
            groups = tuple(rows.groups_of(tx, account.id))
            if account.id != actor.account_id and not actor.may(Permission.GRANT_READ):
                return AccountDetails(account=account, groups=groups)
            grants = tuple(rows.grants_of(tx, account.id))
            return AccountDetails(account=account, groups=groups, duty=duty_of_account(tx, account.id), grants=grants)

        return await self._db.read(look)

    async def update(self, actor: Actor, reference: str, *, display_name: str | None = None,
                     enabled: bool | None = None, revision: int | None = None) -> Account:  # fmt: skip
        """Change the display name, or enable or disable; disabling ends its sessions at once. Needs `user:write`, for
        security and audit administrators `grant:write`; nobody disables himself (`Conflict`, `user.self`), nor the last
        administrator of a duty (`duty.last_administrator`). `revision`: only if it is still that one."""
        changes: dict[str, Any] = {} if enabled is None else {"enabled": enabled}
        if display_name is not None:
            changes["display_name"] = check_display_name(display_name)
        act = Act("user.update", object_name=reference, details=dict(changes))

        def work(tx: Tx) -> Account:
            account = self._managed(tx, actor, act, reference)
            if enabled is False:
                _require_not_self(actor, account)
                SESSION.delete(tx, SESSIONS.table.c.account_id == account.id)
            newer = ACCOUNT.edit(tx, account, expected=revision, **changes)
            self._settle(tx)
            return newer

        return await self._audit.change(actor, act, work)

    async def unlock(self, actor: Actor, reference: str) -> Account:
        """Let it log in again before the lock-out is over. Needs what `update` needs."""
        act = Act("user.unlock", object_name=reference)

        def work(tx: Tx) -> Account:
            account = self._managed(tx, actor, act, reference)
            ACCOUNT.set(tx, account.id, failed_attempts=0, locked_until=None)
            return ACCOUNT.get(tx, account.id)

        return await self._audit.change(actor, act, work)

    async def delete(self, actor: Actor, reference: str) -> None:
        """Remove an account with its grants, sessions and tokens. Needs what `update` needs; `Conflict` for built-in
        accounts (`user.builtin`) and oneself (`user.self`)."""
        act = Act("user.delete", object_name=reference)

        def work(tx: Tx) -> None:
            account = self._managed(tx, actor, act, reference)
            _require_not_self(actor, account)
            if account.builtin:
                raise Conflict(f"{account.name} is a built-in account and stays.", code="user.builtin",
                               hint="It can be disabled once another account has its role.")  # fmt: skip
            _erase(tx, account.id)
            self._settle(tx)

        await self._audit.change(actor, act, work)

    async def set_password(self, actor: Actor, old: str, new: str) -> None:
        """Change one's own password; other sessions end. A wrong old password counts like a failed login:
        `Unauthenticated` (`password.wrong`). `InvalidInput` (`password.weak`, `password.reused`)."""
        act = Act("user.set_password", actor.account_id, actor.name)
        await self._audit.require(actor, Permission.SELF, act)
        proof = await self._credentials.prove(actor.name, old)
        refused = await self._db.write(lambda tx: self._credentials.judge(tx, proof))
        if refused:
            error = Unauthenticated("The old password is not accepted.", code="password.wrong",
                                    hint="After several failures it is refused for a while.")  # fmt: skip
            await self._audit.failed(actor, act, error)
            raise error
        new_hash = await self._credentials.prepare(new, actor.name, actor.account_id)

        def work(tx: Tx) -> None:
            self._credentials.put(tx, actor.account_id, new_hash, one_time=False)
            mine = SESSIONS.table.c.account_id == actor.account_id
            SESSION.delete(tx, mine, SESSIONS.table.c.id != actor.session_id)
            tx.on_commit(self._access.forget)

        await self._audit.change(actor, act, work)

    async def reset_password(self, actor: Actor, reference: str) -> str:
        """A one-time password for who forgot his; all sessions and tokens of the account end. Only by a peer: see
        `guard.require_may_reset`."""
        act = Act("user.reset_password", object_name=reference)
        password = await self._generated()
        password_hash = await self._credentials.hash(password)

        def work(tx: Tx) -> None:
            account = ACCOUNT.find(tx, reference)
            act.about(account)
            require_may_reset(tx, actor, account)
            self._credentials.put(tx, account.id, password_hash, one_time=True)
            SESSION.delete(tx, SESSIONS.table.c.account_id == account.id)
            TOKEN.delete(tx, TOKENS.table.c.account_id == account.id)
            tx.on_commit(self._access.forget)

        await self._audit.change(actor, act, work)
        return password

    def _managed(self, tx: Tx, actor: Actor, act: Act, reference: str) -> Account:
        account = ACCOUNT.find(tx, reference)
        act.about(account)
        require_may_manage(tx, actor, account)
        return account

    def _settle(self, tx: Tx) -> None:
        check_duties(tx)
        tx.on_commit(self._access.forget)

    async def _generated(self) -> str:
        return generate_password(await self._db.read(lambda tx: rows.load_policy(tx, PasswordPolicy())))


def _require_not_self(actor: Actor, account: Account) -> None:
    if account.id == actor.account_id:
        raise Conflict("Nobody disables or deletes his own account.", code="user.self",
                       hint="Ask another administrator.")  # fmt: skip


def _erase(tx: Tx, account_id: str) -> None:
    rows.remove_members(tx, account_id=account_id)
    GRANT.delete(tx, GRANTS.table.c.subject_id == account_id)
    SESSION.delete(tx, SESSIONS.table.c.account_id == account_id)
    TOKEN.delete(tx, TOKENS.table.c.account_id == account_id)
    tx.execute(rows.PASSWORDS.delete().where(rows.PASSWORDS.c.account_id == account_id))
    ACCOUNT.delete(tx, rows.ACCOUNTS.table.c.id == account_id)
