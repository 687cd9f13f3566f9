"""What `vm.migrate` refuses, and what is seen of a VM while it moves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from altus.common.errors import AltusError
from altus.manager.store.resources import HOST, VM
from altus.model.host import HostState
from altus.model.task import Task, TaskState
from altus.model.vm import Vm, VmState
from altus.model.vm_action import VmAction, refusal
from altus.wire import vms as shapes
from tests.unit.manager.changes.site import ADMIN, Site


async def _code(site: Site, vm: Vm, **fields: Any) -> str:
    """How the migration is refused."""
    with pytest.raises(AltusError) as refused:
        await site.submit(site.power.migrate(ADMIN, vm.id, shapes.VmMigrate(**fields)))
    return refused.value.code


def _other(site: Site, vm: Vm) -> str:
    return next(host_id for host_id in site.agents.hosts if host_id != vm.host_id)


async def test_a_vm_goes_where_it_is_told_and_the_task_says_how_it_went(pair: Site) -> None:
    async with pair.running(watch=True):
        vm = await pair.new_vm(start=True)
        task = await pair.done(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate(host=_other(pair, vm))))
        after = await pair.vm(vm.id)
        assert (after.host_id, after.state) == (_other(pair, vm), VmState.RUNNING)
        assert task.trail[3].result["downtime"] > 0
        await pair.agents.hosts[after.host_id or ""].hypervisor.destroy(vm.id)
        await _becomes(pair, vm.id, VmState.STOPPED)


async def test_what_cannot_move_is_refused_with_the_reason(pair: Site) -> None:
    async with pair.running():
        stopped, local = await pair.new_vm(), await pair.new_vm(start=True, image=None, storage="host0-local")
        vm = await pair.new_vm(start=True)
        assert await _code(pair, stopped) == "vm.state"
        assert await _code(pair, local, mode="post-copy") == "vm.post_copy_disks"
        assert await _code(pair, vm, host=vm.host_id) == "placement.no_host"
        assert await _code(pair, vm, host="host9") == "host.not_found"
        await pair.done(pair.vms.edit(ADMIN, vm.id, shapes.VmEdit(vcpus=2)))
        assert await _code(pair, vm) == "vm.restart_pending"
        assert "its new hardware" in refusal(await pair.vm(vm.id), VmAction.MIGRATE)  # which clients are told, too
        await pair.done(pair.power.restart(ADMIN, vm.id, shapes.VmRestart(force=True)))
        await pair.db.write(lambda tx: HOST.change(tx, _other(pair, vm), state=HostState.UNREACHABLE))
        assert await _code(pair, vm) == "placement.no_host"


async def test_migrations_of_one_vm_that_are_asked_for_at_once_follow_one_another(pair: Site) -> None:
    async def twice(**wish: Any) -> list[Task]:
        asked = (pair.submit_unchecked(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate(**wish))) for _ in range(2))
        ended = [await pair.ended(task) for task in await asyncio.gather(*asked)]
        return sorted(ended, key=lambda task: task.seq)

    async with pair.running(watch=True):
        vm = await pair.new_vm(start=True)
        first, late = await twice(host=_other(pair, vm))
        assert (first.state, late.state) == (TaskState.SUCCEEDED, TaskState.FAILED)
        assert "on this host already" in (late.error or {})["message"]
        assert (await pair.vm(vm.id)).host_id == _other(pair, vm)
        there, back = await twice()
        assert (there.state, back.state) == (TaskState.SUCCEEDED, TaskState.SUCCEEDED)
        assert (await pair.vm(vm.id)).host_id == _other(pair, vm)
        await pair.settled()


async def test_while_it_moves_only_the_task_says_where_it_is(pair: Site) -> None:
    async with pair.running(watch=True):
        vm = await pair.new_vm(start=True)
        here = pair.agents.hosts[vm.host_id or ""]
        here.hypervisor.migrations.seconds = 60.0
        task = await pair.submit(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate()))
        async with asyncio.timeout(20):
            while not any(operation == "vm.migrate" for _, operation, _ in pair.agents.asked):
                await asyncio.sleep(0.01)
        await here.hypervisor.pause(vm.id)
        await here.hypervisor.resume(vm.id)
        await pair.agents.kill(here.id)  # in the midst of it
        pair.agents.restart(here.id)
        done = await pair.ended(task)
        after = await pair.vm(vm.id)
    assert done.state is TaskState.SUCCEEDED
    assert (after.host_id, after.state) == (_other(pair, vm), VmState.RUNNING)
    assert await pair.findings() == []


async def _becomes(site: Site, vm_id: str, state: VmState) -> None:
    async with asyncio.timeout(20):
        while True:
            count = site.db.news.count
            if (await site.db.read(lambda tx: VM.get(tx, vm_id))).state is state:
                return
            await site.db.news.wait(count, 1.0)
