"""Accounts, access and audit put together, as the manager starts them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from altus.manager.services.access import Access
from altus.manager.services.accounts import AccountService
from altus.manager.services.audit import AuditLog, AuditService
from altus.manager.services.credentials import Credentials
from altus.manager.services.grants import GrantService
from altus.manager.services.groups import GroupService
from altus.manager.services.hashing import Hasher
from altus.manager.services.local import LocalService
from altus.manager.services.policy import PolicyService
from altus.manager.services.roles import RoleService
from altus.manager.services.sessions import SessionService
from altus.manager.services.tokens import TokenService
from altus.manager.store.audit import AuditChain
from altus.manager.store.database import Database
from altus.model.resource import utc_now


@dataclass(frozen=True)
class Security:
    """Everything about who may what. `audit_log` is what other services record with."""

    audit_log: AuditLog
    access: Access
    accounts: AccountService
    sessions: SessionService
    tokens: TokenService
    groups: GroupService
    grants: GrantService
    roles: RoleService
    policies: PolicyService
    audit: AuditService
    local: LocalService
    hasher: Hasher

    async def close(self) -> None:
        """Bring the audit's anchor up to date and let the hashing threads end; before the database is closed."""
        await self.audit_log.chain.close()
        self.hasher.close()


def open_security(db: Database, audit_key: Path, audit_anchor: Path,
                  clock: Callable[[], datetime] = utc_now) -> Security:  # fmt: skip
    """With the audit's key and anchor in these files, outside the database's own directory if that can be."""
    audit = AuditLog(db, AuditChain.open(audit_key, audit_anchor))
    access, hasher = Access(db, clock), Hasher()
    credentials = Credentials(db, hasher, clock)
    return Security(
        audit_log=audit,
        access=access,
        accounts=AccountService(db, audit, access, credentials),
        sessions=SessionService(db, audit, access, credentials),
        tokens=TokenService(db, audit, access, credentials),
        groups=GroupService(db, audit, access),
        grants=GrantService(db, audit, access),
        roles=RoleService(db, audit, access),
        policies=PolicyService(db, audit, access),
        audit=AuditService(audit),
        local=LocalService(db, audit, access, credentials),
        hasher=hasher,
    )
