"""What is kept of VMs beside their rows: sealed first-boot data, what they take of hosts, their groups."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects import postgresql

from altus.manager.store.database import Tx
from altus.manager.store.resources import VM
from altus.manager.store.secrets import SecretBox
from altus.manager.store.tables import VMS
from altus.model.vm import CloudInit, PowerIntent, Vm, VmState

_SEED = TypeAdapter(CloudInit)
_WORKING = (VmState.RUNNING, VmState.PAUSED)
_T = VMS.table


def seal_seed(box: SecretBox, vm_id: str, seed: CloudInit) -> bytes:
    """First-boot data as it is stored."""
    return box.seal(_SEED.dump_json(seed), f"vm-seed/{vm_id}")


def seed_of(tx: Tx, box: SecretBox, vm_id: str) -> CloudInit:
    """The VM's first-boot data; empty if it has none."""
    sealed = tx.execute(sa.select(VMS.table.c.sealed).where(VMS.table.c.id == vm_id)).scalar_one_or_none()
    return CloudInit() if sealed is None else _SEED.validate_json(box.unseal(sealed, f"vm-seed/{vm_id}"))


def working(tx: Tx, without: str = "") -> dict[str, tuple[int, int]]:
    """vCPUs and bytes of memory which VMs that run, are paused or will run as soon as they are made have, by host; one
    that moves has them on both. `without` leaves a VM out."""
    found: dict[str, tuple[int, int]] = {}
    for row in tx.execute(_working(tx.connection.dialect.name), {"without": without}):
        vcpus, memory = found.get(row.host_id, (0, 0))
        found[row.host_id] = (vcpus + int(row.vcpus), memory + int(row.memory))
    return found


@cache
def _working(dialect: str) -> sa.CompoundSelect[Any]:
    """Sums by host of the VMs that are there, and of those that move there or have come from there."""
    coming = sa.and_(_T.c.state == VmState.CREATING, _T.c.intent == PowerIntent.RUNNING)
    sums = [sa.func.sum(_hardware(dialect, name)).label(name) for name in ("vcpus", "memory")]
    return sa.union_all(*(
        sa.select(host_id.label("host_id"), *sums)
        .where(counts, host_id.is_not(None), _T.c.id != sa.bindparam("without"))
        .group_by(host_id)
        for host_id, counts in ((_T.c.host_id, _T.c.state.in_(_WORKING) | coming), (_T.c.other_host_id, sa.true()))
    ))  # fmt: skip


def _hardware(dialect: str, name: str) -> sa.ColumnElement[int]:
    if dialect == "postgresql":
        return sa.cast(sa.cast(_T.c.hardware, postgresql.JSON)[name].astext, sa.BigInteger)
    return sa.func.json_extract(_T.c.hardware, f"$.{name}")


def group_members(tx: Tx, project_id: str, groups: Collection[str], without: str) -> list[Vm]:
    """The VMs of a project, but for one, that belong to any of these groups."""
    named = [_T.c.placement.contains(f'"group":"{group}"', autoescape=True) for group in groups]
    if not named:
        return []
    return VM.all(tx, _T.c.project_id == project_id, _T.c.id != without, sa.or_(*named))
