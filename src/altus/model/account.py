"""Accounts, groups, roles and grants: who may do what, and the rule that no account has two duties (rows S1 and S8).

Secrets (password hashes, digests of tokens) are in none of these values: only the store sees them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from altus.common.errors import InvalidInput
from altus.model.permission import BUILTIN_ROLES, Duty, Permission, Role, Scope, ScopeKind
from altus.model.resource import utc_now

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
BUILTIN_ACCOUNTS = {
    Duty.SYSTEM: "sysadmin",
    Duty.SECURITY: "secadmin",
    Duty.AUDIT: "auditadmin",
}
"""Made at the first start; they are never deleted and keep their role."""
ADMINISTRATOR_ROLES = {
    Duty.SYSTEM: "system-administrator",
    Duty.SECURITY: "security-administrator",
    Duty.AUDIT: "audit-administrator",
}


def check_account_name(name: str) -> str:
    """`name` itself if an account or group may have it: lower case, so that no two differ by case alone."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{name[:80]!r} is not a valid account or group name.", code="name.invalid",
                           hint="1-63 lower-case letters, digits, dots, dashes or underscores.")  # fmt: skip
    return name


def check_display_name(text: str) -> str:
    """`text` itself if it can be shown as somebody's name."""
    if len(text) > 128 or not all(char.isprintable() for char in text):
        raise InvalidInput("The display name is too long or has characters that cannot be shown.",
                           code="display_name.invalid", hint="At most 128 printable characters.")  # fmt: skip
    return text


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody who can log in. `locked_until`: no password is accepted before that time."""

    id: str
    name: str
    display_name: str = ""
    enabled: bool = True
    builtin: bool = False
    must_change_password: bool = False
    failed_attempts: int = 0
    locked_until: datetime | None = None
    password_set_at: datetime = field(default_factory=utc_now)
    last_login_at: datetime | None = None
    created_at: datetime = field(default_factory=utc_now)
    updated_at: datetime = field(default_factory=utc_now)
    revision: int = 1


@dataclass(frozen=True, kw_only=True)
class Group:
    """Accounts that get the same grants. As membership carries rights, groups belong to the security administrator."""

    id: str
    name: str
    description: str = ""
    created_at: datetime = field(default_factory=utc_now)
    updated_at: datetime = field(default_factory=utc_now)
    revision: int = 1


class SubjectKind(StrEnum):
    """Who gets a grant."""

    ACCOUNT = "account"
    GROUP = "group"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A role given to an account or group within a scope (`scope_id` is empty for everything)."""

    id: str
    subject_kind: SubjectKind
    subject_id: str
    role: str
    scope_kind: ScopeKind = ScopeKind.EVERYTHING
    scope_id: str = ""
    builtin: bool = False
    granted_by: str = ""
    created_at: datetime = field(default_factory=utc_now)

    @property
    def scope(self) -> Scope:
        """Where it holds."""
        return Scope(self.scope_kind, self.scope_id)


@dataclass(frozen=True, kw_only=True)
class CustomRole:
    """A role made by a security administrator; `to_role` checks that it mixes no duties."""

    id: str
    name: str
    duty: Duty
    permissions: tuple[Permission, ...]
    description: str = ""
    created_at: datetime = field(default_factory=utc_now)
    updated_at: datetime = field(default_factory=utc_now)
    revision: int = 1

    def to_role(self) -> Role:
        """As the checks use it; `Conflict` (`role.mixed_duties`)."""
        return Role(self.name, self.duty, frozenset(self.permissions))


@dataclass(frozen=True, kw_only=True)
class Session:
    """Somebody logged in; ends at `expires_at` at the latest. `last_seen_at` is stored about once a minute."""

    id: str
    account_id: str
    source: str = ""
    created_at: datetime = field(default_factory=utc_now)
    last_seen_at: datetime = field(default_factory=utc_now)
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """A program's key to an account: never more than the account may, less if `permissions` or the scope say so.

    `permissions` None: all of the account's. `expires_at` None: only for the token of this machine's own CLI.
    """

    id: str
    account_id: str
    name: str
    permissions: tuple[Permission, ...] | None = None
    scope_kind: ScopeKind = ScopeKind.EVERYTHING
    scope_id: str = ""
    created_at: datetime = field(default_factory=utc_now)
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    last_used_from: str = ""


@dataclass(frozen=True)
class Holding:
    """All that decides about duties at one moment. `members` are pairs of group id and account id."""

    grants: tuple[Grant, ...]
    members: tuple[tuple[str, str], ...]
    roles: Mapping[str, Role] = field(default_factory=lambda: BUILTIN_ROLES)

    def grants_by_account(self) -> dict[str, list[Grant]]:
        """Grants of every account, its own and those of its groups."""
        accounts_of: dict[str, list[str]] = defaultdict(list)
        for group_id, account_id in self.members:
            accounts_of[group_id].append(account_id)
        result: dict[str, list[Grant]] = defaultdict(list)
        for grant in self.grants:
            direct = grant.subject_kind is SubjectKind.ACCOUNT
            for account_id in [grant.subject_id] if direct else accounts_of[grant.subject_id]:
                result[account_id].append(grant)
        return result

    def duties(self) -> dict[str, set[Duty]]:
        """Duties of every account that has any."""
        return {
            account_id: {self.roles[grant.role].duty for grant in grants}
            for account_id, grants in self.grants_by_account().items()
        }

    def administrators(self, duty: Duty, enabled: Iterable[str]) -> set[str]:
        """Which of the `enabled` accounts have the built-in administrator role of a duty, everywhere."""
        role = ADMINISTRATOR_ROLES[duty]
        holders = {
            account_id
            for account_id, grants in self.grants_by_account().items()
            if any(g.role == role and g.scope_kind is ScopeKind.EVERYTHING for g in grants)
        }
        return holders & set(enabled)
