"""Two managers on PostgreSQL and one host: who holds the lease runs the tasks, and nobody else writes."""

from __future__ import annotations

import asyncio
import re

import pytest

from altus.common.units import MIB
from altus.manager.tasks.observer import Boundary
from altus.model.task import TaskState
from altus.model.vm import VmState
from altus.sdk.client import AltusClient
from altus.wire.vms import VmCreate
from testbed.administrator import Administrator, fresh
from testbed.patience import GUEST, until
from testbed.strikes import MANAGER, Plan, Strike
from testbed.system import System

pytestmark = pytest.mark.functional


async def _runs_tasks(altus: AltusClient) -> bool:
    return (await altus.system.health()).runs_tasks


async def _leader(system: System) -> tuple[str, str]:
    """The manager with the lease and another one."""

    async def look() -> list[str]:
        names = []
        for name in system.managers:
            async with system.client(name) as altus:
                if await _runs_tasks(altus):
                    names.append(name)
        return names

    [leader] = await until(look, "a manager holds the lease", GUEST)
    return leader, next(name for name in system.managers if name != leader)


def _stopped(system: System, name: str) -> bool:
    pid = system.pid(name)
    assert pid is not None
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        return stat.read().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize(
    ("step", "boundary"),
    [
        ("volumes", Boundary.BEFORE_DO),
        ("volumes", Boundary.AFTER_DO),
        ("define", Boundary.AFTER_DO),
        ("start", Boundary.AFTER_DO),
        ("start", Boundary.CHECKPOINTED),
    ],
)
async def test_a_frozen_manager_that_wakes_writes_nothing(
    pair_admin: Administrator, step: str, boundary: Boundary
) -> None:
    system = pair_admin.system
    leader, other = await _leader(system)
    system.strikes.write(Plan((Strike("vm.create", step, boundary, MANAGER, freeze=True),)))
    async with system.client(other) as altus:
        name = fresh("vm")
        task = await altus.vms.create(VmCreate(name=name, disk_size=MIB, memory=64 * MIB, start=True))

        async def frozen() -> bool:
            return _stopped(system, leader)

        await until(frozen, "the manager froze itself")
        ended = await altus.tasks.wait(task.id)
        assert ended.state is TaskState.SUCCEEDED

        async def taken_over() -> bool:
            return await _runs_tasks(altus)

        await until(taken_over, "the other manager has the lease")
        before = await altus.vms.get(name)
        log = len(system.log(leader))
        system.thaw(leader)

        async def noticed() -> bool:
            return "lease lost" in system.log(leader)[log:]

        await until(noticed, "the woken manager noticed")
        assert await altus.tasks.get(task.id) == ended
        after = await altus.vms.get(name)
        assert (after.state, after.revision) == (VmState.RUNNING, before.revision)
        if boundary is not Boundary.CHECKPOINTED:  # then it had written the end before it froze, and may say so
            assert not re.search(rf"{task.id}.*task ended", system.log(leader)[log:])
    await pair_admin.healthy()


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_another_manager_goes_on_when_the_first_is_gone(pair_admin: Administrator, how: str) -> None:
    system = pair_admin.system
    leader, other = await _leader(system)
    async with system.client(other) as altus:
        (system.kill if how == "killed" else system.stop)(leader)
        name = fresh("vm")
        await altus.vms.create(VmCreate(name=name, disk_size=MIB, memory=64 * MIB, start=True)).run()
        assert (await altus.vms.get(name)).state is VmState.RUNNING
        assert await _runs_tasks(altus)
    await asyncio.to_thread(system.start, leader)


async def test_what_one_manager_is_asked_another_one_does(pair_admin: Administrator) -> None:
    leader, other = await _leader(pair_admin.system)
    name = fresh("vm")
    async with pair_admin.system.client(other) as follower, pair_admin.system.client(leader) as first:
        assert not await _runs_tasks(follower)
        await follower.vms.create(VmCreate(name=name, disk_size=MIB, memory=64 * MIB)).run()
        assert (await first.vms.get(name)).state is VmState.STOPPED
