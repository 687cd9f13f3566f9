"""What is kept of VMs beside their rows: sealed first-boot data, and the memory they use on hosts."""

from __future__ import annotations

import sqlalchemy as sa
from pydantic import TypeAdapter

from altus.manager.store.database import Tx
from altus.manager.store.secrets import SecretBox
from altus.manager.store.tables import VMS
from altus.model.vm import CloudInit, VmHardware, VmState

_SEED = TypeAdapter(CloudInit)
_HARDWARE = TypeAdapter(VmHardware)
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
    used: dict[str, int] = {}
    query = sa.select(table.c.host_id, table.c.hardware).where(table.c.state.in_(_WORKING), table.c.host_id.isnot(None))
    for row in tx.execute(query):
        used[row.host_id] = used.get(row.host_id, 0) + _HARDWARE.validate_json(row.hardware).memory
    return used
