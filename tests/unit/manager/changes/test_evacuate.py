"""A host that goes into maintenance is emptied: what runs there goes on elsewhere, or the reason is told."""

from __future__ import annotations

import asyncio

import pytest

from altus.common.errors import Conflict, Failed
from altus.common.units import GIB
from altus.manager.services.tasks import TaskService
from altus.manager.store import tasks as rows
from altus.manager.store.resources import HOST, STORAGE
from altus.manager.tasks.host_maintain import HOST_MAINTAIN
from altus.manager.tasks.vm_migrate import VM_MIGRATE_TASK
from altus.model.host import Host, HostState
from altus.model.host_action import HostAction
from altus.model.storage import StorageUsage
from altus.model.task import Task, TaskState
from altus.model.vm import Vm, VmState
from altus.model.vm_action import VmAction
from testbed.killer import Outcome, Stage, walk
from tests.unit.manager.changes.cases import Draft
from tests.unit.manager.changes.site import ADMIN, Site


def _maintain(site: Site, host_id: str) -> Draft:
    return site.inventory.change_host(ADMIN, host_id, HostAction.MAINTAIN)


async def _host(site: Site, host_id: str) -> Host:
    return await site.db.read(lambda tx: HOST.get(tx, host_id))


async def _vms(site: Site, count: int) -> tuple[str, str, list[Vm]]:
    """So many running VMs on one host, and one that is off; ids of that host and of the other."""
    here, there = site.agents.hosts
    await site.db.write(lambda tx: HOST.change(tx, there, maintenance=True))
    vms = [await site.new_vm(start=True) for _ in range(count)] + [await site.new_vm()]
    await site.db.write(lambda tx: HOST.change(tx, there, maintenance=False))
    assert {vm.host_id for vm in vms} == {here}
    return here, there, vms


async def _where(site: Site, vms: list[Vm]) -> list[tuple[str | None, VmState]]:
    found = [await site.vm(vm.id) for vm in vms]
    return [(vm.host_id, vm.state) for vm in found]


async def _fill(site: Site, storage_id: str, usage: StorageUsage) -> None:
    await site.db.write(lambda tx: STORAGE.change(tx, storage_id, usage=usage))


async def test_what_runs_goes_on_elsewhere_and_what_is_off_stays(pair: Site) -> None:
    async with pair.running(watch=True):
        here, there, vms = await _vms(pair, 3)
        plan = await pair.changes().plan(ADMIN, await _maintain(pair, here))
        assert sorted(plan.details["VMs that move"]) == sorted(f"{vm.name} to host1" for vm in vms[:3])
        assert plan.details["VMs that stay"] == [vms[3].name]
        task = await pair.done(_maintain(pair, here))
        children = await pair.db.read(lambda tx: rows.children(tx, task.id))
    assert {child.kind for child in children} == {VM_MIGRATE_TASK.kind}
    assert await _where(pair, vms) == [(there, VmState.RUNNING)] * 3 + [(here, VmState.STOPPED)]
    assert (await _host(pair, here)).state is HostState.MAINTENANCE
    await pair.require_healthy()


async def test_what_cannot_leave_is_named_before_anything_has_begun(pair: Site) -> None:
    async with pair.running():
        here, _, (vm, paused, _) = await _vms(pair, 2)
        local = await pair.new_vm(start=True, image=None, storage="host0-local")
        await pair.done(pair.power.simple(ADMIN, paused.id, VmAction.PAUSE))
        full = StorageUsage(capacity=GIB, used=GIB, available=0)
        for storage in await pair.db.read(STORAGE.all):
            await _fill(pair, storage.id, full)
        with pytest.raises(Conflict) as refused:
            await pair.submit(_maintain(pair, here))
    assert refused.value.code == "host.in_use"
    assert f"{local.name}: No host can take the VM" in refused.value.message
    assert "have to be copied, and storage host1-local has 0 B free" in refused.value.message
    assert f"{paused.name}: " in refused.value.message
    assert vm.name not in refused.value.message
    assert (await _where(pair, [vm]))[0] == (here, VmState.RUNNING)


async def test_one_finds_taken_what_those_before_it_were_given(pair: Site) -> None:
    """Either fits into what the other host has left, both do not."""
    async with pair.running():
        here, there, vms = await _vms(pair, 2)
        facts = (await _host(pair, there)).facts
        assert facts is not None
        memory = vms[0].hardware.memory
        left = await pair.new_vm(start=True, memory=240 * GIB, image=None, storage="host1-local")
        assert left.host_id == there
        room = facts.memory - left.hardware.memory
        filler = await pair.new_vm(start=True, memory=room - memory - memory // 2, image=None, storage="host1-local")
        assert filler.state is VmState.RUNNING
        with pytest.raises(Conflict) as refused:
            await pair.submit(_maintain(pair, here))
    named = [vm.name for vm in vms[:2] if vm.name in refused.value.message]
    assert len(named) == 1


async def test_a_vm_that_fails_to_move_keeps_its_host_and_says_why(pair: Site) -> None:
    async with pair.running():
        here, there, vms = await _vms(pair, 3)
        pair.agents.fail_next(here, "vm.migrate", Failed("The cable broke.", code="test.broke"))
        ended = await pair.ended(await pair.submit(_maintain(pair, here)))
    assert (ended.state, (ended.error or {})["code"]) == (TaskState.FAILED, "host.in_use")
    assert "The cable broke." in (ended.error or {})["message"]
    assert sorted(await _where(pair, vms[:3])) == sorted([(here, VmState.RUNNING)] + [(there, VmState.RUNNING)] * 2)
    host = await _host(pair, here)
    assert (host.state, host.maintenance) == (HostState.UP, False)
    await pair.require_healthy()


async def test_cancelled_it_leaves_every_vm_running_and_the_host_up(pair: Site) -> None:
    async with pair.running() as engine:
        here, _, vms = await _vms(pair, 5)
        pair.agents.hosts[here].hypervisor.migrations.seconds = 60.0
        task = await pair.submit(_maintain(pair, here))
        async with asyncio.timeout(30):
            while not any(operation == "vm.migrate" for _, operation, _ in pair.agents.asked):
                await asyncio.sleep(0.01)
        await TaskService(pair.world, pair.audit, engine.wake).cancel(ADMIN, task.id)
        ended = await pair.ended(task)
    assert ended.state is TaskState.CANCELLED
    assert {state for _, state in await _where(pair, vms[:5])} == {VmState.RUNNING}
    host = await _host(pair, here)
    assert (host.state, host.maintenance) == (HostState.UP, False)
    await pair.require_healthy()


async def test_maintenance_survives_the_managers_death_at_every_boundary(pair: Site) -> None:
    made: list[tuple[str, Vm]] = []

    async def stage() -> Stage:
        async with pair.running():
            for host_id in pair.agents.hosts:
                if (await _host(pair, host_id)).maintenance:
                    await pair.done(pair.inventory.change_host(ADMIN, host_id, HostAction.ACTIVATE))
            here, _, (vm, _) = await _vms(pair, 1)
            made.append((here, vm))

        async def submit() -> str:
            return (await pair.submit(_maintain(pair, here))).id

        async def check(task: Task) -> None:
            host_id, vm = made[-1]
            [(now, state)] = await _where(pair, [vm])
            assert (state, now != host_id) == (VmState.RUNNING, task.state is TaskState.SUCCEEDED)
            await pair.require_healthy()

        return Stage(pair.world, submit, check, others=(VM_MIGRATE_TASK,))

    assert await walk(HOST_MAINTAIN, Outcome(), stage, pairs=1) > 20
