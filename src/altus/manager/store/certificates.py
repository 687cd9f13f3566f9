"""Certificates that hosts were given, so that they can be revoked: by serial number, until they expire anyway."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from altus.manager.store.database import Tx
from altus.manager.store.tables import METADATA

CERTIFICATES = sa.Table(
    "certificates",
    METADATA,
    sa.Column("serial", sa.Text, primary_key=True),  # hex
    sa.Column("host_id", sa.Text, nullable=False),
    sa.Column("key_hash", sa.Text, nullable=False),
    sa.Column("renew_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("revoked", sa.Boolean, nullable=False),
    sa.Index(None, "host_id"),
)
_C = CERTIFICATES.c


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate as it is kept; times are seconds since 1970."""

    serial: int
    host_id: str
    key_hash: str
    renew_at: float
    expires_at: float


def insert(tx: Tx, issued: Issued) -> None:
    """A new one; the host's certificates for other keys are revoked: only one machine at a time is the host. Those that
    have expired are forgotten."""
    tx.execute(CERTIFICATES.delete().where(_C.expires_at < tx.now()))
    other = (_C.host_id == issued.host_id, _C.key_hash != issued.key_hash)
    tx.execute(CERTIFICATES.update().where(*other).values(revoked=True))
    tx.execute(CERTIFICATES.insert().values(**vars(issued) | {"serial": f"{issued.serial:x}"}, revoked=False))


def revoke_all(tx: Tx, host_id: str) -> None:
    """None of the host's certificates is to be believed any more."""
    tx.execute(CERTIFICATES.update().where(_C.host_id == host_id).values(revoked=True))


def revoked(tx: Tx) -> frozenset[int]:
    """The serial numbers that nobody must believe."""
    query = sa.select(_C.serial).where(_C.revoked, _C.expires_at >= tx.now())
    return frozenset(int(row.serial, 16) for row in tx.execute(query))
