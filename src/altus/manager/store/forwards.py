"""Port forwards: each port of an address leads to one VM, and goes with the NIC that it leads to."""

from __future__ import annotations

import sqlalchemy as sa

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import FORWARD, VM
from altus.model.forward import Forward


def insert(tx: Tx, forward: Forward) -> None:
    """Write it down. `Conflict` (`forward.port_taken`), whoever has the port."""
    columns = FORWARD.table.c
    mine = (columns.address == forward.address, columns.protocol == forward.protocol, columns.port == forward.port)
    for holder in FORWARD.all(tx, *mine):
        vm = VM.peek(tx, holder.vm_id)
        raise Conflict(f"{forward.name} leads to VM {vm.name if vm is not None else holder.vm_id} already.",
                       code="forward.port_taken", hint="Choose another port, or delete that forward.")  # fmt: skip
    FORWARD.insert(tx, forward)


def names(tx: Tx, condition: sa.ColumnElement[bool]) -> list[str]:
    """Of those that meet the condition, in order."""
    return sorted(forward.name for forward in FORWARD.all(tx, condition))


def delete_all(tx: Tx, condition: sa.ColumnElement[bool]) -> None:
    """Remove those that meet the condition."""
    for forward in FORWARD.all(tx, condition):
        FORWARD.delete(tx, forward.id)
