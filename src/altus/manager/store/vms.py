"""What is kept of VMs beside their rows: sealed first-boot data, and the memory they use on hosts."""

from __future__ import annotations

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects import postgresql

from altus.manager.store.database import Tx
from altus.manager.store.secrets import SecretBox
from altus.manager.store.tables import VMS
from altus.model.vm import CloudInit, VmState

_SEED = TypeAdapter(CloudInit)
_WORKING = (VmState.RUNNING, VmState.PAUSED)


def seal_seed(box: SecretBox, vm_id: str, seed: CloudInit) -> bytes:
    """First-boot data as it is stored."""
    return box.seal(_SEED.dump_json(seed), f"vm-seed/{vm_id}")


def seed_of(tx: Tx, box: SecretBox, vm_id: str) -> CloudInit:
    """The VM's first-boot data; empty if it has none."""
    sealed = tx.execute(sa.select(VMS.table.c.sealed).where(VMS.table.c.id == vm_id)).scalar_one_or_none()
    return CloudInit() if sealed is None else _SEED.validate_json(box.unseal(sealed, f"vm-seed/{vm_id}"))


def working_memory(tx: Tx) -> dict[str, int]:
    """Bytes of memory which running and paused VMs use, by host."""
    table = VMS.table
    memory: sa.ColumnElement[int] = sa.func.json_extract(table.c.hardware, "$.memory")
    if tx.connection.dialect.name == "postgresql":
        memory = sa.cast(sa.cast(table.c.hardware, postgresql.JSON)["memory"].astext, sa.BigInteger)
    working = sa.select(table.c.host_id, sa.func.sum(memory).label("total")).where(table.c.state.in_(_WORKING))
    query = working.group_by(table.c.host_id)
    return {row.host_id: int(row.total) for row in tx.execute(query) if row.host_id is not None}
