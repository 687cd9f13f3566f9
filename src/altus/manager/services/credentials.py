"""Checking a password, counting failures, locking out (row S8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from altus.common.errors import InvalidInput
from altus.manager.services.hashing import Hasher
from altus.manager.store import accounts as rows
from altus.manager.store.database import Database, Tx
from altus.model.account import Account
from altus.model.password import check_password
from altus.model.policy import PasswordPolicy
from altus.model.resource import utc_now


@dataclass(frozen=True)
class Proof:
    """What came out of comparing a password with the hash in force: to be judged in a write transaction.

    `renewed` is a hash at today's cost if the stored one is outdated.
    """

    account_id: str
    stored: str
    matches: bool
    renewed: str | None = None


class Credentials:
    """Passwords in and out of the database."""

    def __init__(self, db: Database, hasher: Hasher, clock: Callable[[], datetime] = utc_now) -> None:
        self._db = db
        self._hasher = hasher
        self.clock = clock

    async def prove(self, name: str, password: str) -> Proof:
        """Compare; an unknown name costs the same as a wrong password."""

        def look(tx: Tx) -> tuple[str, str | None]:
            account = rows.ACCOUNT.first(tx, rows.ACCOUNTS.table.c.name == name)
            hashes = [] if account is None else rows.passwords_of(tx, account.id, 1)
            return ("" if account is None else account.id), (hashes[0] if hashes else None)

        account_id, stored = await self._db.read(look) if name.isprintable() else ("", None)
        matches = await self._hasher.matches(stored, password)
        outdated = matches and stored is not None and self._hasher.is_outdated(stored)
        return Proof(account_id, stored or "", matches, await self._hasher.hash(password) if outdated else None)

    def judge(self, tx: Tx, proof: Proof) -> str:
        """Empty if the password is accepted; else why not, for the audit alone: who asks learns only that it was not.
        Counts failures and locks the account after too many in a row."""
        account = rows.ACCOUNT.peek(tx, proof.account_id) if proof.account_id else None
        if account is None:
            return "login.unknown_account"
        now = self.clock()
        if account.locked_until is not None and account.locked_until > now:
            return "login.locked"
        if not proof.matches or rows.passwords_of(tx, account.id, 1) != [proof.stored]:
            return self._count_failure(tx, account, now)
        if not account.enabled:
            return "login.disabled"
        rows.ACCOUNT.set(tx, account.id, failed_attempts=0, locked_until=None)
        if proof.renewed is not None:
            rows.rehash_password(tx, account.id, proof.stored, proof.renewed)
        return ""

    def _count_failure(self, tx: Tx, account: Account, now: datetime) -> str:
        policy = rows.load_policy(tx, PasswordPolicy())
        failures = account.failed_attempts + 1
        if failures < policy.lockout_attempts:
            rows.ACCOUNT.set(tx, account.id, failed_attempts=failures)
            return "login.wrong_password"
        until = now + timedelta(minutes=policy.lockout_minutes)
        rows.ACCOUNT.set(tx, account.id, failed_attempts=0, locked_until=until)
        return "login.locked_now"

    async def prepare(self, password: str, account_name: str, account_id: str = "") -> str:
        """The hash of a new password that somebody chose; `InvalidInput` (`password.weak`, `password.reused`)."""

        def look(tx: Tx) -> tuple[PasswordPolicy, list[str]]:
            policy = rows.load_policy(tx, PasswordPolicy())
            return policy, rows.passwords_of(tx, account_id, policy.history + 1) if account_id else []

        policy, former = await self._db.read(look)
        check_password(password, account_name, policy)
        if await self._hasher.matches_any(former, password):
            raise InvalidInput("The password was used before.", code="password.reused",
                               hint=f"The last {policy.history + 1} passwords cannot come back.")  # fmt: skip
        return await self._hasher.hash(password)

    async def hash(self, password: str) -> str:
        """The hash of a generated password."""
        return await self._hasher.hash(password)

    def put(self, tx: Tx, account_id: str, password_hash: str, *, one_time: bool) -> None:
        """Put a password in force and lift a lock. `one_time`: it must be changed after the first login."""
        now = self.clock()
        history = rows.load_policy(tx, PasswordPolicy()).history
        rows.add_password(tx, account_id, password_hash, now, history)
        rows.ACCOUNT.set(tx, account_id, must_change_password=one_time, password_set_at=now, failed_attempts=0,
                         locked_until=None)  # fmt: skip
