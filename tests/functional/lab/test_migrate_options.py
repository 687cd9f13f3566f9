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
from tests.functional.lab.mover import BOOT_ID, Mover
from tests.functional.lab.pool import PoolOfLab

pytestmark = [pytest.mark.functional, pytest.mark.timeout(900)]
_log = logging.getLogger(__name__)
_BUSY = """mkdir -p /run/d && cd /run/d && for f in a b; do dd if=/dev/urandom of=$f bs=1M count=1 2>/dev/null; done
cat a a >aa; cat b b >bb; : >wrong; echo 0 >rounds
(n=0; while :; do for f in a b; do cat $f $f >c; cmp -s c $f$f || echo $n >>wrong; done; n=$((n + 1)); echo $n >rounds
done) >/dev/null 2>&1 &"""
"""Changes 2 MiB for ever, each time to other contents, and notes each time that they are not what was written; the
guest has not much more to spare."""
_WRONG, _ROUNDS = "cat /run/d/wrong", "cat /run/d/rounds"
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


async def _unharmed(mover: Mover, boot_id: str) -> VmView:
    """The VM, when its busy guest goes on on host2 and has lost nothing of what it wrote."""
    vm = await mover.agrees()
    assert vm.state is VmState.RUNNING
    assert mover.running_on() == ["host2"]
    assert await mover.within("host2", BOOT_ID) == boot_id
    before = int(await mover.within("host2", _ROUNDS))

    async def goes_on() -> bool:
        return int(await mover.within("host2", _ROUNDS)) > before + 2

    await until(goes_on, "the guest goes on with its work", GUEST)
    assert await mover.within("host2", _WRONG) == ""
    return vm


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


@pytest.mark.parametrize("mode", [MigrationMode.AUTO, MigrationMode.PLAIN, MigrationMode.AUTO_CONVERGE])
async def test_a_guest_that_changes_more_than_is_sent_comes_over_whole(pool: PoolOfLab, mover: Mover,
                                                                       mode: MigrationMode) -> None:  # fmt: skip
    boot_id = await mover.within("host1", BOOT_ID)
    await mover.within("host1", _BUSY)
    body = VmMigrate(bandwidth=_NARROW, downtime=_QUICK, mode=mode)
    planned = (await pool.altus.vms.migrate(mover.vm.id, body).plan()).details
    assert "stands still, since it is emulated" in planned["guest"]
    task = await pool.altus.vms.migrate(mover.vm.id, body)
    assert (await _ended_and_ran_once(pool, mover, task)).state is TaskState.SUCCEEDED
    facts = (await _unharmed(mover, boot_id)).migration
    assert facts is not None
    assert (facts.mode, facts.throttle) == (MigrationMode.PLAIN, 0)
    assert facts.seconds is not None
    assert facts.downtime is not None
    assert 0 < facts.downtime < facts.seconds / 2


async def test_post_copy_ends_whatever_the_guest_does(pool: PoolOfLab, mover: Mover) -> None:
    boot_id = await mover.within("host1", BOOT_ID)
    await mover.within("host1", _BUSY)
    body = VmMigrate(bandwidth=16, downtime=1, mode=MigrationMode.POST_COPY)
    task = await _ended(pool, await pool.altus.vms.migrate(mover.vm.id, body))
    assert task.state is TaskState.SUCCEEDED
    vm = await _unharmed(mover, boot_id)
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
