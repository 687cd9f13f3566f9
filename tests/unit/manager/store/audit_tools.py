"""A trail and what somebody with access to the database, but not to the key, can do to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from altus.manager.store.anchor import Anchor
from altus.manager.store.audit import HEAD, RECORDS, AuditChain, hash_of
from altus.manager.store.audit_verify import verify
from altus.manager.store.database import Database, Tx
from altus.model.audit import AuditRecord, AuditVerdict, Outcome, Point

TABLE = RECORDS.table
Row = dict[str, Any]


@dataclass
class Trail:
    """A chain in a database with its key and anchor."""

    db: Database
    folder: Path
    chain: AuditChain

    @classmethod
    def new(cls, db: Database, folder: Path, interval: float = 0.0) -> Trail:
        return cls(db, folder, AuditChain.open(folder / "audit.key", folder / "audit.anchor", interval))

    async def write(self, count: int, note: str = "") -> None:
        """Append records in one transaction."""

        def work(tx: Tx) -> None:
            for number in range(count):
                self.chain.append(tx, AuditRecord(
                    action="vm.start", noun="vm", actor_name="carol", outcome=Outcome.SUCCEEDED,
                    object_name=f"web{number}", details={"number": number, "note": note},
                ))  # fmt: skip

        await self.db.write(work)

    async def anchored(self) -> None:
        """Bring the anchor up to date."""
        await self.chain.anchor.close()

    async def verdict(self, key: bytes | None = None) -> AuditVerdict:
        anchor = self.chain.anchor.load()
        return await self.db.read(lambda tx: verify(tx, key or self.chain.key, anchor))

    async def rows(self) -> list[Row]:
        """All records as they are stored."""
        columns = [sa.type_coerce(TABLE.c[name], sa.types.NullType()).label(name) for name in RECORDS.columns]
        query = sa.select(*columns).order_by(TABLE.c.seq)
        return await self.db.read(lambda tx: [dict(row._mapping) for row in tx.execute(query)])

    async def replace(self, rows: list[Row]) -> None:
        """Put other records in place of all."""
        insert = sa.text(f"INSERT INTO audit_records ({', '.join(RECORDS.columns)}) "  # noqa: S608 - our own names
                         f"VALUES ({', '.join(':' + name for name in RECORDS.columns)})")  # fmt: skip

        def work(tx: Tx) -> None:
            tx.execute(TABLE.delete())
            if rows:
                tx.execute(insert, rows)

        await self.db.write(work)

    async def tamper(self, change: Callable[[list[Row]], list[Row]]) -> None:
        await self.replace(change(await self.rows()))

    async def head(self) -> Row:
        return await self.db.read(lambda tx: dict(tx.execute(sa.select(HEAD)).one()._mapping))

    async def set_head(self, **values: Any) -> None:
        await self.db.write(lambda tx: tx.execute(HEAD.update().values(**values)))


def renumbered(rows: list[Row]) -> list[Row]:
    """As if nothing were missing or added."""
    return [row | {"seq": number} for number, row in enumerate(rows, 1)]


def forged(row: Row, prev_hash: str, key: bytes | None = None) -> Row:
    """A record that somebody made up, with a hash of another key."""
    made = row | {"object_name": "innocent", "prev_hash": prev_hash}
    return made | {"hash": hash_of(key or os.urandom(32), made)}


def rewritten(rows: list[Row], start: int, key: bytes) -> list[Row]:
    """All records from number `start` on made up, in a chain that holds together under another key."""
    result = rows[: start - 1]
    for row in rows[start - 1 :]:
        result.append(forged(row, result[-1]["hash"] if result else row["prev_hash"], key))
    return result


def sealed(anchor: Anchor) -> Point:
    point = anchor.load()
    assert point is not None
    return point
