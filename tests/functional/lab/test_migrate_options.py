"""How a VM moves: limits are kept, a guest that changes much is slowed down, post-copy goes only forward."""

from __future__ import annotations

import asyncio
import logging

import pytest

from altus.common.errors import Conflict
from altus.common.units import MIB
from altus.model.migration import MigrationMode
from altus.model.task import TaskState
from altus.model.vm import VmState
from altus.wire.tasks import TaskView
from altus.wire.vms import VmMigrate, VmView
from testbed.patience import GUEST, until
from tests.functional.lab.mover import Mover
from tests.functional.lab.pool import PoolOfLab

pytestmark = [pytest.mark.functional, pytest.mark.timeout(900)]
_log = logging.getLogger(__name__)
_BUSY = """mkdir -p /run/d && cd /run/d && for f in a b; do dd if=/dev/urandom of=$f bs=1M count=1 2>/dev/null; done
(while :; do for f in a b; do cat $f $f >c; done; done) >/dev/null 2>&1 &"""
"""Changes 2 MiB for ever, each time to other contents; the guest has not much more to spare."""
_STROLL = """mkdir -p /run/d && cd /run/d && dd if=/dev/urandom of=x bs=1M count=8 2>/dev/null
(i=0; while :; do dd if=/dev/urandom of=x bs=64k seek=$i count=1 conv=notrunc; i=$(((i + 1) % 128)); sleep 0.1; done
) >/dev/null 2>&1 &"""
"""Changes a part of 8 MiB after the other, so that after one pass much is left that the guest does not need soon."""
_LOOK_SECONDS = 0.2
_NARROW, _QUICK = 4, 100
"""MiB a second: less than the guest changes, even on a slow machine; milliseconds: less than it takes to send that."""


async def _ended(pool: PoolOfLab, task: TaskView) -> TaskView:
    async def look() -> TaskView | None:
        found = await pool.altus.tasks.get(task.id)
        return found if found.state.finished else None

    found = await until(look, f"task {task.id} ends", GUEST)
    _log.info("%s %s: %s", found.state, found.error, [step.result for step in found.trail if step.name == "transfer"])
    return found


async def _ended_and_ran_once(pool: PoolOfLab, mover: Mover, task: TaskView) -> TaskView:
    """As `_ended`; whoever looks meanwhile finds the VM running on one host at most."""
    ending = asyncio.ensure_future(_ended(pool, task))
    while not ending.done():
        assert not await asyncio.to_thread(mover.runs_twice)
        await asyncio.wait([ending], timeout=_LOOK_SECONDS)
    return await ending


async def _told_truly(mover: Mover) -> VmView:
    """The VM as soon as it is where it is said to be: on host2, or nowhere after what QEMU's emulation has lost made it
    crash (ADR 17), at once or some time later. What its guest does then says nothing about us."""

    async def look() -> VmView | None:
        vm = await mover.agrees()
        where = mover.running_on()
        _log.info("%s, runs on %s", vm.state, where)
        return vm if where == {VmState.RUNNING: ["host2"], VmState.CRASHED: []}.get(vm.state) else None

    return await until(look, "what is said of the VM is true")


async def _says(pool: PoolOfLab, task: TaskView, text: str) -> None:
    async def look() -> bool:
        return text in (await pool.altus.tasks.get(task.id)).waiting_for

    await until(look, f"task {task.id} says {text!r}", GUEST)


async def test_bandwidth_is_kept(pool: PoolOfLab, mover: Mover) -> None:
    limit = 6
    task = await _ended(pool, await pool.altus.vms.migrate(mover.vm.id, VmMigrate(bandwidth=limit)))
    assert task.state is TaskState.SUCCEEDED
    facts = (await mover.agrees()).migration
    assert facts is not None
    assert facts.options.bandwidth == limit
    assert facts.mode is MigrationMode.PLAIN
    assert facts.speed is not None
    assert MIB < facts.speed < 1.2 * limit * MIB


async def test_only_a_guest_that_changes_more_than_is_sent_is_slowed_down(pool: PoolOfLab, mover: Mover) -> None:
    await mover.within("host1", _BUSY)
    task = await pool.altus.vms.migrate(mover.vm.id, VmMigrate(bandwidth=_NARROW, downtime=_QUICK))
    await _says(pool, task, "slowed down")
    assert (await _ended_and_ran_once(pool, mover, task)).state is TaskState.SUCCEEDED
    facts = (await _told_truly(mover)).migration
    assert facts is not None
    assert facts.mode is MigrationMode.AUTO_CONVERGE
    assert facts.throttle > 0
    assert facts.dirty_rate
    assert facts.downtime is not None


async def test_post_copy_ends_whatever_the_guest_does(pool: PoolOfLab, mover: Mover) -> None:
    await mover.within("host1", _BUSY)
    body = VmMigrate(bandwidth=16, downtime=1, mode=MigrationMode.POST_COPY)
    task = await _ended(pool, await pool.altus.vms.migrate(mover.vm.id, body))
    assert task.state is TaskState.SUCCEEDED
    vm = await _told_truly(mover)
    assert vm.migration is not None
    assert vm.migration.mode is MigrationMode.POST_COPY
    assert vm.migration.downtime


async def test_post_copy_cannot_be_cancelled_and_fails_where_it_breaks(pool: PoolOfLab, mover: Mover) -> None:
    await mover.within("host1", _STROLL)
    pool.virsh("host1", "migrate-setspeed", mover.vm.id, "8")
    pool.virsh("host1", "migrate-setspeed", mover.vm.id, "1", "--postcopy")
    body = VmMigrate(downtime=1, mode=MigrationMode.POST_COPY)
    task = await pool.altus.vms.migrate(mover.vm.id, body)

    async def committed() -> bool:
        return not (await pool.altus.tasks.get(task.id)).cancellable

    await until(committed, "post-copy has begun", GUEST)
    with pytest.raises(Conflict, match="Post-copy has begun") as refused:
        await pool.altus.tasks.cancel(task.id)
    assert refused.value.code == "task.not_cancellable"
    pool.kill_service("host1", "altus-agent")
    await asyncio.to_thread(pool.start_service, "host1", "altus-agent")
    done = await _ended(pool, task)
    assert done.state is TaskState.FAILED
    assert done.error is not None
    assert done.error["code"] == "vm.post_copy_failed"
    assert mover.running_on() == []
    assert (await mover.agrees()).state in (VmState.STOPPED, VmState.CRASHED)
