"""What root on the manager's machine does without logging in: the first start, a lost last administrator, the token of
this machine's own CLI. Never reachable over the network; audited like all else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from altus.common.ids import new_id
from altus.manager.services.access import TOKEN_PREFIX, Access, new_secret
from altus.manager.services.audit import Act, AuditLog
from altus.manager.services.credentials import Credentials
from altus.manager.store import accounts as rows
from altus.manager.store.accounts import ACCOUNT, ACCOUNTS, GRANT, SESSION, SESSIONS, TOKEN, TOKENS
from altus.manager.store.database import Database, Tx
from altus.model.account import ADMINISTRATOR_ROLES, BUILTIN_ACCOUNTS, Account, ApiToken, Grant, SubjectKind
from altus.model.actor import Actor
from altus.model.password import generate_password
from altus.model.permission import Duty
from altus.model.policy import PasswordPolicy

ROOT = Actor(account_id="", name="root", source="local")
_TITLES = {Duty.SYSTEM: "System administrator", Duty.SECURITY: "Security administrator",
           Duty.AUDIT: "Audit administrator"}  # fmt: skip


class LocalService:
    """Called by the manager's own process only."""

    def __init__(self, db: Database, audit: AuditLog, access: Access, credentials: Credentials) -> None:
        self._db = db
        self._audit = audit
        self._access = access
        self._credentials = credentials

    async def bootstrap(self, keep: Callable[[Mapping[str, str]], None]) -> dict[str, str]:
        """Make those of the three administrators that are missing; returns their first passwords by name, empty if
        nothing was missing.

        `keep` gets the passwords just before the commit (in the writer's thread) and stores them where root finds them:
        killed at any moment, either there is no account yet or its password is known.
        """
        passwords = {name: generate_password(PasswordPolicy()) for name in BUILTIN_ACCOUNTS.values()}
        hashes = {name: await self._credentials.hash(password) for name, password in passwords.items()}
        act = Act("user.bootstrap")

        def work(tx: Tx) -> dict[str, str]:
            missing = {
                duty: name
                for duty, name in BUILTIN_ACCOUNTS.items()
                if ACCOUNT.first(tx, ACCOUNTS.table.c.name == name) is None
            }
            for duty, name in missing.items():
                self._make(tx, duty, name, hashes[name])
            made = {name: passwords[name] for name in missing.values()}
            if made:
                act.details = {"accounts": sorted(made)}
                self._audit.note(tx, ROOT, act, act.outcome)
                keep(made)
            return made

        return await self._db.write(work)

    async def recover(self, name: str) -> str:
        """A one-time password for any account, which is enabled and unlocked: when no peer can reset it any more. Its
        sessions and tokens end. `NotFound` (`user.not_found`)."""
        password = generate_password(await self._db.read(lambda tx: rows.load_policy(tx, PasswordPolicy())))
        password_hash = await self._credentials.hash(password)
        act = Act("user.recover", object_name=name)

        def work(tx: Tx) -> None:
            account = ACCOUNT.find(tx, name)
            act.about(account)
            ACCOUNT.edit(tx, account, enabled=True)
            self._credentials.put(tx, account.id, password_hash, one_time=True)
            SESSION.delete(tx, SESSIONS.table.c.account_id == account.id)
            TOKEN.delete(tx, TOKENS.table.c.account_id == account.id)
            tx.on_commit(self._access.forget)

        await self._audit.change(ROOT, act, work)
        return password

    def note_move(self, tx: Tx) -> None:
        """All that the manager knows has come into this database."""
        act = Act("database.move", object_name=tx.connection.dialect.name)
        self._audit.note(tx, ROOT, act, act.outcome)

    async def issue_token(self, account_name: str, token_name: str, expires_in: timedelta | None = None) -> str:
        """A token for the CLI of this machine, to be kept in a file of root's; one of the same name ends."""
        text, digest = new_secret(TOKEN_PREFIX)
        act = Act("token.issue", object_name=token_name, details={"account": account_name})
        now = self._credentials.clock()

        def work(tx: Tx) -> None:
            account = ACCOUNT.find(tx, account_name)
            TOKEN.delete(tx, TOKENS.table.c.account_id == account.id, TOKENS.table.c.name == token_name)
            expires_at = None if expires_in is None else now + expires_in
            token = ApiToken(id=new_id(), account_id=account.id, name=token_name, created_at=now, expires_at=expires_at)
            act.about(token)
            TOKEN.insert(tx, token, digest=digest)
            tx.on_commit(self._access.forget)

        await self._audit.change(ROOT, act, work)
        return text

    def _make(self, tx: Tx, duty: Duty, name: str, password_hash: str) -> None:
        account = ACCOUNT.insert(tx, Account(id=new_id(), name=name, display_name=_TITLES[duty], builtin=True))
        self._credentials.put(tx, account.id, password_hash, one_time=True)
        GRANT.insert(tx, Grant(id=new_id(), subject_kind=SubjectKind.ACCOUNT, subject_id=account.id,
                               role=ADMINISTRATOR_ROLES[duty], builtin=True, granted_by=ROOT.name))  # fmt: skip
