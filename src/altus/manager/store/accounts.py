"""Tables of accounts, groups, grants, roles, sessions, tokens and policies. Hashes are columns no dataclass holds."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from altus.manager.store.columns import Record, UtcTime
from altus.manager.store.database import Tx
from altus.manager.store.rows import Rows
from altus.manager.store.tables import METADATA
from altus.model.account import Account, ApiToken, CustomRole, Grant, Group, Holding, Session, SubjectKind
from altus.model.permission import BUILTIN_ROLES
from altus.model.policy import P

ACCOUNTS = Record(METADATA, "accounts", Account, sa.UniqueConstraint("name"))
GROUPS = Record(METADATA, "account_groups", Group, sa.UniqueConstraint("name"))
ROLES = Record(METADATA, "roles", CustomRole, sa.UniqueConstraint("name"))
GRANTS = Record(METADATA, "grants", Grant, sa.Index(None, "subject_id"),
                sa.UniqueConstraint("subject_id", "role", "scope_kind", "scope_id"))  # fmt: skip
SESSIONS = Record(METADATA, "sessions", Session, sa.Column("digest", sa.Text, nullable=False),
                  sa.UniqueConstraint("digest"), sa.Index(None, "account_id"))  # fmt: skip
TOKENS = Record(METADATA, "api_tokens", ApiToken, sa.Column("digest", sa.Text, nullable=False),
                sa.UniqueConstraint("digest"), sa.UniqueConstraint("account_id", "name"))  # fmt: skip
MEMBERS = sa.Table(
    "group_members",
    METADATA,
    sa.Column("group_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Index(None, "account_id"),
)
PASSWORDS = sa.Table(
    "passwords",
    METADATA,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("set_at", UtcTime, nullable=False),
)
POLICIES = sa.Table(
    "policies",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)

ACCOUNT = Rows[Account]("user", ACCOUNTS, "altus user list")
GROUP = Rows[Group]("group", GROUPS, "altus group list")
ROLE = Rows[CustomRole]("role", ROLES, "altus role list")
GRANT = Rows[Grant]("grant", GRANTS, "altus grant list")
SESSION = Rows[Session]("session", SESSIONS, "altus session list")
TOKEN = Rows[ApiToken]("token", TOKENS, "altus user token list")


def passwords_of(tx: Tx, account_id: str, limit: int) -> list[str]:
    """Hashes, the newest (that which is in force) first."""
    query = sa.select(PASSWORDS.c.hash).where(PASSWORDS.c.account_id == account_id)
    return [row.hash for row in tx.execute(query.order_by(PASSWORDS.c.number.desc()).limit(limit))]


def add_password(tx: Tx, account_id: str, password_hash: str, at: datetime, keep: int) -> None:
    """Put a password in force and forget all but the `keep` ones before it."""
    mine = PASSWORDS.c.account_id == account_id
    last = int(tx.execute(sa.select(sa.func.max(PASSWORDS.c.number)).where(mine)).scalar() or 0)
    tx.execute(PASSWORDS.insert().values(account_id=account_id, number=last + 1, hash=password_hash, set_at=at))
    tx.execute(PASSWORDS.delete().where(mine, PASSWORDS.c.number <= last - keep))


def rehash_password(tx: Tx, account_id: str, old_hash: str, new_hash: str) -> None:
    """The same password, hashed at today's cost."""
    mine = (PASSWORDS.c.account_id == account_id, PASSWORDS.c.hash == old_hash)
    tx.execute(PASSWORDS.update().where(*mine).values(hash=new_hash))


def groups_of(tx: Tx, account_id: str) -> list[Group]:
    """Groups the account is in."""
    mine = sa.select(MEMBERS.c.group_id).where(MEMBERS.c.account_id == account_id)
    return GROUP.all(tx, GROUPS.table.c.id.in_(mine))


def members_of(tx: Tx, group_id: str) -> list[Account]:
    """Accounts in a group."""
    theirs = sa.select(MEMBERS.c.account_id).where(MEMBERS.c.group_id == group_id)
    return ACCOUNT.all(tx, ACCOUNTS.table.c.id.in_(theirs))


def is_member(tx: Tx, group_id: str, account_id: str) -> bool:
    """Whether the account is in the group."""
    query = sa.select(MEMBERS).where(MEMBERS.c.group_id == group_id, MEMBERS.c.account_id == account_id)
    return tx.execute(query).first() is not None


def add_member(tx: Tx, group_id: str, account_id: str) -> None:
    """Put an account into a group; being there is fine."""
    if not is_member(tx, group_id, account_id):
        tx.execute(MEMBERS.insert().values(group_id=group_id, account_id=account_id))


def remove_members(tx: Tx, *, group_id: str | None = None, account_id: str | None = None) -> int:
    """Take one out of one group, or all out of a group, or one out of all groups."""
    query = MEMBERS.delete()
    if group_id is not None:
        query = query.where(MEMBERS.c.group_id == group_id)
    if account_id is not None:
        query = query.where(MEMBERS.c.account_id == account_id)
    return tx.execute(query).rowcount


def grants_of(tx: Tx, account_id: str) -> list[Grant]:
    """Grants of the account and of its groups."""
    table = GRANTS.table
    mine = sa.select(MEMBERS.c.group_id).where(MEMBERS.c.account_id == account_id)
    return GRANT.all(
        tx,
        sa.or_(
            sa.and_(table.c.subject_kind == SubjectKind.ACCOUNT, table.c.subject_id == account_id),
            sa.and_(table.c.subject_kind == SubjectKind.GROUP, table.c.subject_id.in_(mine)),
        ),
    )


def holding(tx: Tx) -> Holding:
    """All that decides about duties, now."""
    members = tuple((row.group_id, row.account_id) for row in tx.execute(sa.select(MEMBERS)))
    roles = BUILTIN_ROLES | {role.name: role.to_role() for role in ROLE.all(tx)}
    return Holding(tuple(GRANT.all(tx)), members, roles)


def load_policy(tx: Tx, default: P) -> P:
    """The stored policy, with defaults for values that it does not have yet."""
    body = tx.execute(sa.select(POLICIES.c.body).where(POLICIES.c.name == default.name)).scalar_one_or_none()
    values = {} if body is None else json.loads(body)
    known = asdict(default)
    return type(default)(**known | {key: value for key, value in values.items() if key in known})


def save_policy(tx: Tx, policy: P) -> None:
    """Put a policy in force."""
    tx.execute(POLICIES.delete().where(POLICIES.c.name == policy.name))
    tx.execute(POLICIES.insert().values(name=policy.name, body=json.dumps(asdict(policy), sort_keys=True)))
