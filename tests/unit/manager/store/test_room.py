"""What VMs have of hosts: those that run, come, or move."""

from __future__ import annotations

from altus.common.ids import new_id
from altus.common.units import GIB
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import VM
from altus.manager.store.vms import working
from altus.model.vm import PowerIntent, Vm, VmHardware, VmState


async def _there(db: Database, **fields: object) -> str:
    vm_id = new_id()
    given = {"id": vm_id, "name": vm_id, "hardware": VmHardware(vcpus=2, memory=GIB), "host_id": "h1", **fields}

    def insert(tx: Tx) -> None:
        VM.insert(tx, Vm(**given))  # type: ignore[arg-type]

    await db.write(insert)
    return vm_id


async def test_only_vms_that_run_or_are_about_to_count(db: Database) -> None:
    for state in VmState:
        await _there(db, state=state)
    await _there(db, state=VmState.CREATING, intent=PowerIntent.RUNNING)
    assert await db.read(working) == {"h1": (6, 3 * GIB)}  # running, paused, and the one to be started


async def test_vm_that_moves_counts_on_both_hosts_whatever_its_state(db: Database) -> None:
    moving = await _there(db, state=VmState.RUNNING, other_host_id="h2")
    await _there(db, state=VmState.UNKNOWN, host_id="h3", other_host_id="h2")
    await _there(db, state=VmState.RUNNING, host_id="h2")
    assert await db.read(working) == {"h1": (2, GIB), "h2": (6, 3 * GIB)}
    assert await db.read(lambda tx: working(tx, without=moving)) == {"h2": (4, 2 * GIB)}
