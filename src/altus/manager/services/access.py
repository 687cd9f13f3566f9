"""From a bearer token to who asks and what that one may. Fast: what was found is remembered until something changes.

In this manager every change of accounts, groups, roles, grants, sessions or policies takes effect at once (`forget`);
what another manager changed takes effect within `TTL` seconds.
"""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from altus.common.errors import AltusError, Unauthenticated
from altus.manager.store import accounts as rows
from altus.manager.store.database import Database, Tx
from altus.model.account import Account, ApiToken, Session
from altus.model.actor import Actor, Right
from altus.model.permission import BUILTIN_ROLES, Permission, Role, Scope
from altus.model.policy import PasswordPolicy, SessionPolicy
from altus.model.resource import utc_now

_log = structlog.get_logger(__name__)
SESSION_PREFIX = "alts_"
TOKEN_PREFIX = "altt_"  # noqa: S105 - how tokens begin, not one of them
TTL = 5.0
_MAX_REMEMBERED = 20_000
_TOUCH = timedelta(minutes=1)


def new_secret(prefix: str) -> tuple[str, str]:
    """A token of 256 random bits and its digest: the first is shown once, only the second is stored."""
    token = prefix + secrets.token_urlsafe(32)
    return token, digest_of(token)


def digest_of(token: str) -> str:
    """SHA-256; what is digested is random, so no salt or slowness is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def bearer(header: str | None) -> str:
    """The token of an Authorization header; `Unauthenticated` (`auth.missing`)."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("This needs a login.", code="auth.missing",
                              hint="Log in with `altus login`, or send `Authorization: Bearer <token>`.")  # fmt: skip
    return token.strip()


@dataclass
class _Known:
    """A resolved token. `ends_at` is final; `idle` of sessions counts from `seen_at`; `stored_at` is what the database
    knows about when it was last seen."""

    actor: Actor
    ends_at: datetime | None
    idle: timedelta | None
    seen_at: datetime
    stored_at: datetime
    loaded: float

    @property
    def touch_after(self) -> timedelta:
        """How far the database may lag behind."""
        return _TOUCH if self.idle is None else min(_TOUCH, self.idle / 4)

    def ended(self, now: datetime) -> bool:
        """Whether it is over."""
        idle_end = None if self.idle is None else self.seen_at + self.idle
        return any(end is not None and end <= now for end in (self.ends_at, idle_end))


class Access:
    """Resolves tokens."""

    def __init__(self, db: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._db = db
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._generation = 0

    def forget(self) -> None:
        """Something that may decide about rights has changed: for `tx.on_commit`."""
        self._generation += 1
        self._known.clear()

    async def authenticate(self, token: str, source: str = "", request_id: str = "", *,
                           passive: bool = False) -> Actor:  # fmt: skip
        """Who has this token; `Unauthenticated` (`auth.invalid`) if nobody, or not any more. `passive`: only a look,
        which does not keep a session from ending for want of use."""
        digest = digest_of(token)
        known = self._known.get(digest)
        if known is None or time.monotonic() - known.loaded > TTL:
            known = await self._load(token, digest, known)
        now = self._clock()
        if known is None or known.ended(now):
            self._known.pop(digest, None)
            raise Unauthenticated("The session or API token is unknown or has ended.", code="auth.invalid",
                                  hint="Log in again: `altus login`.")  # fmt: skip
        if passive:
            return dataclasses.replace(known.actor, source=source, request_id=request_id)
        known.seen_at = now
        if now - known.stored_at >= known.touch_after:
            known.stored_at = now
            await self._touch(known.actor, source, now)
        return dataclasses.replace(known.actor, source=source, request_id=request_id)

    async def _load(self, token: str, digest: str, before: _Known | None) -> _Known | None:
        generation = self._generation
        known = await self._db.read(lambda tx: self._resolve(tx, token, digest))
        if known is None:
            return None
        if before is not None:
            known.seen_at = max(known.seen_at, before.seen_at)
        if generation == self._generation:  # else what was read may be older than the change
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            self._known[digest] = known
        return known

    def _resolve(self, tx: Tx, token: str, digest: str) -> _Known | None:
        if token.startswith(SESSION_PREFIX):
            session = rows.SESSION.first(tx, rows.SESSIONS.table.c.digest == digest)
            account = None if session is None else rows.ACCOUNT.peek(tx, session.account_id)
            return self._of_session(tx, account, session) if session and account and account.enabled else None
        api_token = rows.TOKEN.first(tx, rows.TOKENS.table.c.digest == digest)
        account = None if api_token is None else rows.ACCOUNT.peek(tx, api_token.account_id)
        return _of_token(tx, account, api_token) if api_token and account and account.enabled else None

    def _of_session(self, tx: Tx, account: Account, session: Session) -> _Known:
        idle = timedelta(minutes=rows.load_policy(tx, SessionPolicy()).idle_minutes)
        max_age = timedelta(days=rows.load_policy(tx, PasswordPolicy()).max_age_days)
        aged = bool(max_age) and account.password_set_at + max_age <= self._clock()
        actor = dataclasses.replace(
            actor_of(tx, account), session_id=session.id, must_change_password=account.must_change_password or aged
        )
        seen = session.last_seen_at
        return _Known(actor, session.expires_at, idle, seen, seen, time.monotonic())

    async def _touch(self, actor: Actor, source: str, now: datetime) -> None:
        """Store when it was last used; if that fails, the next use tries again and nobody is refused for it."""

        def work(tx: Tx) -> None:
            if actor.session_id:
                rows.SESSION.set(tx, actor.session_id, last_seen_at=now)
            else:
                rows.TOKEN.set(tx, actor.token_id, last_used_at=now, last_used_from=source[:256])

        try:
            await self._db.write(work)
        except AltusError as error:
            _log.warning("last use not stored", actor=actor.name, error=error.message)


def _of_token(tx: Tx, account: Account, token: ApiToken) -> _Known:
    actor = dataclasses.replace(actor_of(tx, account), token_id=token.id, limit=_limit(token))
    used = token.last_used_at or token.created_at
    stored = token.last_used_at or datetime.min.replace(tzinfo=used.tzinfo)
    return _Known(actor, token.expires_at, None, used, stored, time.monotonic())


def _limit(token: ApiToken) -> Right | None:
    scope = Scope(token.scope_kind, token.scope_id)
    if token.permissions is None:
        return None if scope == Scope() else Right(frozenset(Permission), scope)
    return Right(frozenset(token.permissions), scope)


def actor_of(tx: Tx, account: Account) -> Actor:
    """The account with all its rights, those of its groups included."""
    grants = rows.grants_of(tx, account.id)
    roles = {grant.role: _role(tx, grant.role) for grant in grants}
    duty = next(iter(sorted({role.duty for role in roles.values()})), None)
    rights = tuple(Right(roles[grant.role].permissions, grant.scope) for grant in grants)
    return Actor(account_id=account.id, name=account.name, duty=duty, rights=rights)


def _role(tx: Tx, name: str) -> Role:
    return BUILTIN_ROLES[name] if name in BUILTIN_ROLES else rows.ROLE.find(tx, name).to_role()
