"""Certificates that hosts were given, so that they can be revoked: by serial number, until they expire anyway."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from altus.common.pki import Authority, Subject, ends, key_fingerprint, serial
from altus.manager.store.database import Tx
from altus.manager.store.tables import METADATA
from altus.model.host import Host, split_address

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


def sign(authority: Authority, host: Host, csr: str) -> tuple[str, Issued]:
    """A certificate (PEM) for the host with the key of this request, to be given away when it is written down.
    `InvalidInput` (`csr.invalid`, `host.address_invalid`)."""
    names = (split_address(host.address)[0],)
    certificate = authority.issue(csr, Subject(common_name=host.name, host_id=host.id, label=host.label, names=names))
    renew_at, expires_at = ends(certificate)
    return certificate, Issued(serial=serial(certificate), host_id=host.id, key_hash=key_fingerprint(csr),
                               renew_at=renew_at.timestamp(), expires_at=expires_at.timestamp())  # fmt: skip


def insert(tx: Tx, issued: Issued) -> None:
    """A new one, beside those that the host has. Those that have expired are forgotten."""
    tx.execute(CERTIFICATES.delete().where(_C.expires_at < tx.now()))
    tx.execute(CERTIFICATES.insert().values(**vars(issued) | {"serial": f"{issued.serial:x}"}, revoked=False))


def certify(tx: Tx, authority: Authority, host: Host, csr: str) -> str:
    """`sign`, and write it down."""
    certificate, issued = sign(authority, host, csr)
    insert(tx, issued)
    return certificate


def revoke_others(tx: Tx, host_id: str, key_hash: str) -> None:
    """Of the host's certificates only those for this key are good from now on: only one machine at a time is it."""
    other = (_C.host_id == host_id, _C.key_hash != key_hash)
    tx.execute(CERTIFICATES.update().where(*other).values(revoked=True))


def revoke(tx: Tx, number: int) -> None:
    """One of them is not to be believed any more."""
    tx.execute(CERTIFICATES.update().where(_C.serial == f"{number:x}").values(revoked=True))


def is_good(tx: Tx, number: int) -> bool:
    """Whether it is known and was not revoked."""
    query = sa.select(_C.serial).where(_C.serial == f"{number:x}", ~_C.revoked)
    return tx.execute(query).one_or_none() is not None


def to_renew(tx: Tx, moment: float) -> dict[str, int]:
    """The serial number of the newest certificate of each host whose certificates should all have been renewed at this
    moment (seconds since 1970)."""
    newest: dict[str, tuple[float, int]] = {}
    for row in tx.execute(sa.select(_C.host_id, _C.renew_at, _C.serial).where(~_C.revoked)):
        found = (row.renew_at, int(row.serial, 16))
        newest[row.host_id] = max(found, newest.get(row.host_id, found))
    return {host_id: number for host_id, (renew_at, number) in newest.items() if renew_at <= moment}


def revoke_all(tx: Tx, host_id: str) -> None:
    """None of the host's certificates is to be believed any more."""
    tx.execute(CERTIFICATES.update().where(_C.host_id == host_id).values(revoked=True))


def revoked(tx: Tx) -> dict[int, str]:
    """The serial numbers that nobody must believe, and of which host they are."""
    query = sa.select(_C.serial, _C.host_id).where(_C.revoked, _C.expires_at >= tx.now())
    return {int(row.serial, 16): row.host_id for row in tx.execute(query)}
