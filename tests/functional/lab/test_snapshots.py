"""A VM moves with the snapshots that were taken while it ran."""

from __future__ import annotations

import pytest

from altus.model.vm import VmState
from altus.wire.snapshots import SnapshotCreate
from tests.functional.lab.mover import BOOT_ID, Mover
from tests.functional.lab.pool import PoolOfLab

pytestmark = [pytest.mark.functional, pytest.mark.timeout(900)]


async def test_the_guest_goes_on_elsewhere_on_the_same_layers(pool: PoolOfLab, mover: Mover) -> None:
    snapshots, vm_id = pool.altus.snapshots, mover.vm.id
    boot_id = await mover.within("host1", BOOT_ID)
    await snapshots.create(vm_id, SnapshotCreate(name="here", quiesce=True)).run()
    await mover.within("host1", "echo later > /disk/note && sync")
    await pool.altus.vms.migrate(vm_id).run()
    assert mover.running_on() == mover.defined_on() == ["host2"]
    assert await mover.within("host2", f"{BOOT_ID}; cat /disk/note") == f"{boot_id}\nlater"
    await snapshots.create(vm_id, SnapshotCreate(name="there")).run()
    assert (await mover.agrees()).state is VmState.RUNNING
    await pool.altus.vms.kill(vm_id).run()
    for name in ("here", "there"):
        await snapshots.delete(vm_id, name).run()
    await mover.agrees()
