"""API tokens: keys of programs to an account, restricted if wanted (row S8)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from altus.common.errors import Conflict, Forbidden, InvalidInput, LimitExceeded
from altus.common.ids import new_id
from altus.manager.services.access import TOKEN_PREFIX, Access, new_secret
from altus.manager.services.audit import Act, AuditLog
from altus.manager.services.credentials import Credentials
from altus.manager.services.guard import require_may_manage
from altus.manager.services.scopes import check_scope
from altus.manager.store import accounts as rows
from altus.manager.store.accounts import ACCOUNT, TOKEN, TOKENS
from altus.manager.store.conditions import is_storable
from altus.manager.store.database import Database, Tx
from altus.model.account import Account, ApiToken
from altus.model.actor import Actor
from altus.model.permission import Permission, Scope
from altus.model.policy import SessionPolicy
from altus.model.resource import check_name

_TABLE = TOKENS.table


class TokenService:
    """A token never may more than its account may at that moment."""

    def __init__(self, db: Database, audit: AuditLog, access: Access, credentials: Credentials) -> None:
        self._db = db
        self._audit = audit
        self._access = access
        self._credentials = credentials

    async def create(self, actor: Actor, name: str, expires_in: timedelta,
                     permissions: Iterable[Permission] | None = None,
                     scope: Scope | None = None) -> tuple[ApiToken, str]:  # fmt: skip
        """A token of one's own account; its text is shown this once. `permissions` None: all that the account may.

        A restricted token makes no tokens (`Forbidden`, `token.restricted`), and a token none that outlives it
        (`token.outlives_creator`). `Conflict` (`token.name_taken`), `InvalidInput` (`token.expiry`), `LimitExceeded`
        (`token.too_many`).
        """
        act = Act("token.create", object_name=name)
        chosen = None if permissions is None else tuple(sorted(set(permissions)))
        scope, now = scope or Scope(), self._credentials.clock()
        token = ApiToken(id=new_id(), account_id=actor.account_id, name=name, permissions=chosen, scope_kind=scope.kind,
                         scope_id=scope.id, created_at=now, expires_at=now + expires_in)  # fmt: skip
        act.details = {"expires_in_seconds": round(expires_in.total_seconds()), "scope": scope.kind.value,
                       "permissions": None if chosen is None else list(chosen)}  # fmt: skip
        text, digest = new_secret(TOKEN_PREFIX)

        def work(tx: Tx) -> ApiToken:
            actor.require(Permission.SELF)
            check_name(name)
            act.object_id = token.id
            check_scope(tx, scope)
            _check_creator(tx, actor, token)
            _check_policy(tx, token, expires_in)
            return TOKEN.insert(tx, token, digest=digest)

        return await self._audit.change(actor, act, work), text

    async def list(self, actor: Actor, account_reference: str | None = None) -> list[ApiToken]:
        """Tokens of one's own account, or of another one which one may manage (see `AccountService.update`)."""

        def look(tx: Tx) -> list[ApiToken]:
            account = self._account(tx, actor, account_reference)
            return TOKEN.all(tx, _TABLE.c.account_id == account.id)

        return await self._db.read(look)

    async def revoke(self, actor: Actor, reference: str, account_reference: str | None = None) -> None:
        """End a token, by id or name, at once; `NotFound` (`token.not_found`)."""
        act = Act("token.revoke", object_name=reference)

        def work(tx: Tx) -> None:
            account = self._account(tx, actor, account_reference)
            named = (_TABLE.c.id == reference) | (_TABLE.c.name == reference)
            token = TOKEN.first(tx, _TABLE.c.account_id == account.id, named) if is_storable(reference) else None
            if token is None:
                raise TOKEN.missing(reference)
            act.about(token)
            TOKEN.delete(tx, _TABLE.c.id == token.id)
            tx.on_commit(self._access.forget)

        await self._audit.change(actor, act, work)

    async def forget_expired(self, after: timedelta = timedelta(days=30)) -> int:
        """Remove rows of tokens that expired that long ago; for a clock. Returns how many."""
        moment = self._credentials.clock() - after
        return await self._db.write(lambda tx: TOKEN.delete(tx, _TABLE.c.expires_at <= moment))

    def _account(self, tx: Tx, actor: Actor, reference: str | None) -> Account:
        account = ACCOUNT.find(tx, reference or actor.account_id)
        if account.id == actor.account_id:
            actor.require(Permission.SELF)
        else:
            require_may_manage(tx, actor, account)
        return account


def _check_creator(tx: Tx, actor: Actor, token: ApiToken) -> None:
    if not actor.token_id:
        return
    if actor.limit is not None:
        raise Forbidden("A restricted API token cannot make tokens.", code="token.restricted", hint="Log in for that.")
    creator = TOKEN.get(tx, actor.token_id)
    if creator.expires_at is not None and token.expires_at is not None and token.expires_at > creator.expires_at:
        raise Forbidden("An API token cannot make one that outlives it.", code="token.outlives_creator",
                        hint="Ask for a shorter time, or log in.")  # fmt: skip


def _check_policy(tx: Tx, token: ApiToken, expires_in: timedelta) -> None:
    policy = rows.load_policy(tx, SessionPolicy())
    if not timedelta(0) < expires_in <= timedelta(days=policy.token_max_days):
        raise InvalidInput(f"An API token lives for at most {policy.token_max_days} days.", code="token.expiry",
                           hint="Name a time such as 1h or 30d.")  # fmt: skip
    mine = _TABLE.c.account_id == token.account_id
    if TOKEN.first(tx, mine, _TABLE.c.name == token.name) is not None:
        raise Conflict(f"You have a token named {token.name} already.", code="token.name_taken",
                       hint="Choose another name, or revoke it first.")  # fmt: skip
    if TOKEN.count(tx, mine) >= policy.tokens_per_account:
        raise LimitExceeded(f"An account has at most {policy.tokens_per_account} API tokens.", code="token.too_many",
                            hint="Revoke one that is not needed.")  # fmt: skip
