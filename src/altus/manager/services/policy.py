"""Password and session policies: security administrators' work (row S8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from altus.common.errors import NotFound
from altus.manager.services.access import Access
from altus.manager.services.audit import Act, AuditLog
from altus.manager.store.accounts import load_policy, save_policy
from altus.manager.store.database import Database, Tx
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.policy import PasswordPolicy, SessionPolicy, changed

Policy = PasswordPolicy | SessionPolicy


class PolicyService:
    """Policies by name: `password` and `session`."""

    def __init__(self, db: Database, audit: AuditLog, access: Access) -> None:
        self._db = db
        self._audit = audit
        self._access = access

    async def get(self, actor: Actor, name: str) -> Policy:
        """The policy in force. Needs `policy:read`; `NotFound` (`policy.not_found`)."""
        actor.require(Permission.POLICY_READ)
        return await self._db.read(lambda tx: _load(tx, name))

    async def update(self, actor: Actor, name: str, changes: Mapping[str, Any]) -> Policy:
        """Change some values; they hold at once, for passwords from the next change of a password. Needs
        `policy:write`; `InvalidInput` (`policy.field`, `policy.value`)."""
        act = Act("policy.update", object_id=name, object_name=name)

        def work(tx: Tx) -> Policy:
            actor.require(Permission.POLICY_WRITE)
            before = _load(tx, name)
            after = changed(before, changes)
            save_policy(tx, after)
            old, new = asdict(before), asdict(after)
            act.details = {key: [old[key], new[key]] for key in new if old[key] != new[key]}
            tx.on_commit(self._access.forget)
            return after

        return await self._audit.change(actor, act, work)


def _load(tx: Tx, name: str) -> Policy:
    if name == PasswordPolicy.name:
        return load_policy(tx, PasswordPolicy())
    if name == SessionPolicy.name:
        return load_policy(tx, SessionPolicy())
    raise NotFound(f"There is no policy {name[:40]!r}.", code="policy.not_found", hint="There are: password, session.")
