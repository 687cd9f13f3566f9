"""Logging in and out (row S8)."""

from __future__ import annotations

from datetime import timedelta

from altus.common.errors import NotFound, Unauthenticated
from altus.common.ids import new_id
from altus.manager.services.access import SESSION_PREFIX, Access, new_secret
from altus.manager.services.audit import Act, AuditLog
from altus.manager.services.credentials import Credentials, Proof
from altus.manager.services.guard import require_may_manage
from altus.manager.store import accounts as rows
from altus.manager.store.accounts import ACCOUNT, SESSION, SESSIONS
from altus.manager.store.conditions import is_storable
from altus.manager.store.database import Database, Tx
from altus.model.account import Session
from altus.model.actor import Actor
from altus.model.audit import Outcome
from altus.model.permission import Permission
from altus.model.policy import SessionPolicy

_TABLE = SESSIONS.table


class SessionService:
    """Sessions of people; for programs see `TokenService`."""

    def __init__(self, db: Database, audit: AuditLog, access: Access, credentials: Credentials) -> None:
        self._db = db
        self._audit = audit
        self._access = access
        self._credentials = credentials

    async def login(self, name: str, password: str, source: str = "", request_id: str = "") -> tuple[Session, str]:
        """A new session and its token. `Unauthenticated` (`login.refused`) without saying why: wrong name, password,
        locked or disabled. `LimitExceeded` (`login.busy`) under a flood."""
        act = Act("session.login")
        proof = await self._credentials.prove(name.lower(), password)
        token, digest = new_secret(SESSION_PREFIX)
        opened = await self._db.write(lambda tx: self._open(tx, act, proof, digest, source, request_id))
        if opened is None:
            raise Unauthenticated("Name or password is wrong.", code="login.refused",
                                  hint="After several failures an account is locked for a while.")  # fmt: skip
        return opened, token

    async def logout(self, actor: Actor) -> None:
        """End the session with which this was asked; nothing happens for an API token."""
        if actor.is_session:
            await self.revoke(actor, actor.session_id)

    async def list(self, actor: Actor) -> list[Session]:
        """One's own sessions, oldest first."""
        actor.require(Permission.SELF)
        now = self._credentials.clock()
        mine = _TABLE.c.account_id == actor.account_id
        return await self._db.read(lambda tx: SESSION.all(tx, mine, _TABLE.c.expires_at > now))

    async def revoke(self, actor: Actor, session_id: str) -> None:
        """End one of one's own sessions; `NotFound` (`session.not_found`)."""
        act = Act("session.logout", session_id)
        await self._audit.require(actor, Permission.SELF, act)

        def work(tx: Tx) -> None:
            mine = (_TABLE.c.id == session_id, _TABLE.c.account_id == actor.account_id)
            if not is_storable(session_id) or not SESSION.delete(tx, *mine):
                raise NotFound("You have no such session.", code="session.not_found", hint="See `altus session list`.")
            tx.on_commit(self._access.forget)

        await self._audit.change(actor, act, work)

    async def revoke_all(self, actor: Actor, account_reference: str) -> int:
        """End all sessions of an account; returns how many. Needs what `AccountService.update` needs, or to be it."""
        act = Act("session.revoke_all", object_name=account_reference)

        def work(tx: Tx) -> int:
            account = ACCOUNT.find(tx, account_reference)
            act.about(account)
            if account.id != actor.account_id:
                require_may_manage(tx, actor, account)
            actor.require(Permission.SELF)
            tx.on_commit(self._access.forget)
            return SESSION.delete(tx, _TABLE.c.account_id == account.id)

        return await self._audit.change(actor, act, work)

    async def forget_expired(self) -> int:
        """Remove rows of sessions that have ended by themselves; for a clock. Returns how many."""
        now = self._credentials.clock()

        def work(tx: Tx) -> int:
            idle = timedelta(minutes=rows.load_policy(tx, SessionPolicy()).idle_minutes)
            return SESSION.delete(tx, (_TABLE.c.expires_at <= now) | (_TABLE.c.last_seen_at <= now - idle))

        return await self._db.write(work)

    def _open(self, tx: Tx, act: Act, proof: Proof, digest: str, source: str, request_id: str) -> Session | None:
        """The session, or None (and a record why) if the password is not accepted: failures are counted by the same
        commit, so this must not raise."""
        refused = self._credentials.judge(tx, proof)
        account = ACCOUNT.peek(tx, proof.account_id) if proof.account_id else None
        actor = Actor(account_id=proof.account_id, name="" if account is None else account.name, source=source,
                      request_id=request_id)  # fmt: skip
        if refused or account is None:
            # A name nobody has is not recorded: people type passwords there by mistake.
            self._audit.note(tx, actor, act, Outcome.FAILED, refused)
            return None
        policy, now = rows.load_policy(tx, SessionPolicy()), self._credentials.clock()
        act.details = {"ended": self._end_oldest(tx, account.id, policy.sessions_per_account - 1)}
        session = Session(id=new_id(), account_id=account.id, source=source[:256], created_at=now, last_seen_at=now,
                          expires_at=now + timedelta(hours=policy.absolute_hours))  # fmt: skip
        act.object_id = session.id
        SESSION.insert(tx, session, digest=digest)
        ACCOUNT.set(tx, account.id, last_login_at=now)
        self._audit.note(tx, actor, act, Outcome.SUCCEEDED)
        return session

    def _end_oldest(self, tx: Tx, account_id: str, keep: int) -> int:
        surplus = SESSION.all(tx, _TABLE.c.account_id == account_id)
        surplus = surplus[: max(0, len(surplus) - keep)]
        if surplus:
            tx.on_commit(self._access.forget)
            SESSION.delete(tx, _TABLE.c.id.in_([session.id for session in surplus]))
        return len(surplus)
