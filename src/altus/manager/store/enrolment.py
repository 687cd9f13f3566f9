"""Rows of enrolment tokens: only hashes of their secrets are kept."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from altus.manager.store.database import Tx
from altus.manager.store.tables import METADATA

ENROLMENTS = sa.Table(
    "enrolments",
    METADATA,
    sa.Column("secret_hash", sa.Text, primary_key=True),
    sa.Column("host_id", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("key_hash", sa.Text, nullable=False),  # of the key that redeemed it; empty until then
    sa.Index(None, "host_id"),
)


def insert(tx: Tx, secret_hash: str, host_id: str, expires_at: float) -> None:
    """A token that nobody has used; older ones of the host are void, and expired ones are forgotten."""
    stale = sa.or_(ENROLMENTS.c.host_id == host_id, ENROLMENTS.c.expires_at < tx.now())
    tx.execute(ENROLMENTS.delete().where(stale))
    values = {"secret_hash": secret_hash, "host_id": host_id, "expires_at": expires_at, "key_hash": ""}
    tx.execute(ENROLMENTS.insert().values(values))


@dataclass(frozen=True)
class Token:
    """What is known of a token; `key_hash` is empty until it is used, `expires_at` by the database's clock."""

    host_id: str
    expires_at: float
    key_hash: str


def peek(tx: Tx, secret_hash: str) -> Token | None:
    """The token with this secret, None if there is none."""
    row = tx.execute(sa.select(ENROLMENTS).where(ENROLMENTS.c.secret_hash == secret_hash)).one_or_none()
    return None if row is None else Token(row.host_id, row.expires_at, row.key_hash)


def bind(tx: Tx, secret_hash: str, key_hash: str) -> None:
    """The token belongs to this key from now on."""
    tx.execute(ENROLMENTS.update().where(ENROLMENTS.c.secret_hash == secret_hash).values(key_hash=key_hash))


def void(tx: Tx, host_id: str) -> None:
    """The host's tokens are good no more."""
    tx.execute(ENROLMENTS.delete().where(ENROLMENTS.c.host_id == host_id))
