"""A schedule on a real guest: it comes by itself, keeps whole file systems, and old ones go when the guest is off."""

from __future__ import annotations

import pytest

from altus.model.vm import VmState
from altus.wire.snapshot_schedules import (
    RetentionShape,
    ScheduleRunView,
    SnapshotScheduleCreate,
    SnapshotScheduleEdit,
)
from altus.wire.vms import VmStop, VmView
from testbed.administrator import Administrator, fresh
from testbed.patience import until

pytestmark = pytest.mark.functional
_NOTE = "/disk/note"
_MINUTE = 90.0


async def _run(admin: Administrator, schedule: str) -> ScheduleRunView:
    await admin.altus.snapshot_schedules.run(schedule).run()
    found = (await admin.altus.snapshot_schedules.get(schedule)).last_run
    assert found is not None
    return found


async def _names(admin: Administrator, vm: VmView) -> set[str]:
    return {one.name for one in (await admin.altus.snapshots.page(vm.id)).items}


async def test_a_guest_has_what_it_wrote_and_old_ones_go_when_it_is_off(admin: Administrator) -> None:
    vm = await admin.vm(start=True, tags=["nightly"])
    await admin.answers(vm.id)
    await admin.run(vm.id, f"echo one > {_NOTE}")  # in the guest's memory only: whole file systems have it
    name = fresh("schedule")
    body = SnapshotScheduleCreate(name=name, cron="* * * * *", tags=["nightly"], quiesce=True,
                                  keep=RetentionShape(last=1))  # fmt: skip
    await admin.altus.snapshot_schedules.create(body).run()

    async def came() -> ScheduleRunView | None:
        return (await admin.altus.snapshot_schedules.get(name)).last_run

    first = await until(came, "the schedule comes by itself", _MINUTE)
    await admin.altus.snapshot_schedules.edit(name, SnapshotScheduleEdit(enabled=False)).run()
    (result,) = first.results
    assert (result.vm_id, result.errors) == (vm.id, [])
    taken = await _names(admin, vm)
    assert result.snapshot in taken

    await admin.run(vm.id, f"echo two > {_NOTE} && sync")
    (result,) = (await _run(admin, name)).results
    assert (set(result.waiting), result.deleted) == (taken, [])
    assert result.why == f"VM {vm.name} is running."
    await admin.altus.snapshots.revert(vm.id, first.results[0].snapshot).run()
    await admin.answers(vm.id)
    assert await admin.run(vm.id, f"cat {_NOTE}") == "one"

    await admin.altus.vms.stop(vm.id, VmStop()).run()
    await admin.in_state(vm.id, VmState.STOPPED)
    before = await _names(admin, vm)
    (result,) = (await _run(admin, name)).results
    assert (set(result.deleted), result.waiting, result.errors) == (before, [], [])
    assert await _names(admin, vm) == {result.snapshot}
    await admin.altus.vms.start(vm.id).run()
    await admin.answers(vm.id)
    assert await admin.run(vm.id, f"cat {_NOTE}") == "one"
    await admin.altus.snapshot_schedules.delete(name).run()
    await admin.healthy()
