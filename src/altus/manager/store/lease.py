"""Which manager runs the tasks: a row with an epoch, timed by the database's clock.

Every write of the task engine checks the epoch in its own transaction, so a manager that was frozen and wakes up after
another one took over can write nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from altus.manager.store.database import LeaseLostError, Tx
from altus.manager.store.tables import LEASES

NAME = "tasks"
_EPOCH = sa.select(LEASES.c.epoch).where(LEASES.c.name == NAME)


@dataclass(frozen=True)
class Lease:
    """The right to run tasks until `expires_at` (database clock, seconds since 1970)."""

    holder: str
    epoch: int
    expires_at: float


def current(tx: Tx) -> Lease | None:
    """The lease as it stands, expired or not."""
    row = tx.execute(sa.select(LEASES).where(LEASES.c.name == NAME)).one_or_none()
    return None if row is None else Lease(row.holder, row.epoch, row.expires_at)


def acquire(tx: Tx, holder: str, seconds: float, *, force: bool = False, own: Lease | None = None) -> Lease | None:
    """Take the lease if it is free or expired; else None. `force`: the caller knows that no other manager lives;
    `own` is the lease the caller had last, which it may take again at once if nobody has had it since."""
    now = tx.now()
    lease = current(tx)
    if lease is None:
        tx.execute(LEASES.insert().values(name=NAME, holder=holder, epoch=1, expires_at=now + seconds))
        return Lease(holder, 1, now + seconds)
    mine = own is not None and own.epoch == lease.epoch
    if lease.expires_at > now and not force and not mine:
        return None
    epoch = lease.epoch + 1
    tx.execute(
        LEASES.update().where(LEASES.c.name == NAME).values(holder=holder, epoch=epoch, expires_at=now + seconds)
    )
    return Lease(holder, epoch, now + seconds)


def renew(tx: Tx, lease: Lease, seconds: float) -> Lease:
    """Prolong it; `LeaseLostError` if somebody else has it."""
    fence(tx, lease.epoch)
    expires_at = tx.now() + seconds
    tx.execute(LEASES.update().where(LEASES.c.name == NAME).values(expires_at=expires_at))
    return Lease(lease.holder, lease.epoch, expires_at)


def give_up(tx: Tx, lease: Lease) -> None:
    """Let another manager take it at once."""
    fence(tx, lease.epoch)
    tx.execute(LEASES.update().where(LEASES.c.name == NAME).values(expires_at=0.0))


def fence(tx: Tx, epoch: int) -> None:
    """Refuse to write under an epoch that is over."""
    if tx.execute(_EPOCH).scalar_one_or_none() != epoch:
        raise LeaseLostError("Another manager has taken over the tasks.", hint="Nothing was written; ask it instead.")
