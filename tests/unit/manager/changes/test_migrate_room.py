"""What a VM that moves takes of both hosts, and what becomes of it when one of them is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from altus.common.errors import Unavailable
from altus.common.units import GIB, MIB
from altus.manager.services.tasks import TaskService
from altus.manager.store import tasks as rows
from altus.manager.store.resources import HOST
from altus.manager.store.vms import working
from altus.model.host import HostState
from altus.model.host_action import HostAction
from altus.model.migration import MigrationMode
from altus.model.task import StepState, Task, TaskState
from altus.model.vm import Vm, VmState
from altus.wire import vms as shapes
from altus.wire.operations import VM_MIGRATE, VM_UNDEFINE
from tests.unit.manager.changes.interference import Interference, Trouble
from tests.unit.manager.changes.site import ADMIN, SMALL, Site

_UNDEFINE = 10
"""The number of the call that leaves the old host."""


def _hosts(site: Site) -> tuple[str, str]:
    """Where the VMs of these tests are, and where they go."""
    here, there = site.agents.hosts
    return here, there


async def _set_host(site: Site, host_id: str, **fields: object) -> None:
    await site.db.write(lambda tx: HOST.change(tx, host_id, **fields))


async def _vms_here(site: Site, count: int = 1) -> list[Vm]:
    """Running ones on the first host; needs a running engine."""
    _, there = _hosts(site)
    await _set_host(site, there, maintenance=True)
    vms = [await site.new_vm(start=True) for _ in range(count)]
    await _set_host(site, there, maintenance=False)
    return vms


async def _until(site: Site, so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while True:
            seen = site.db.news.count
            if await so():
                return
            await site.db.news.wait(seen, 0.02)


async def _sending(site: Site, vm: Vm) -> Task:
    """A migration whose memory is being sent, which takes for ever."""
    here, _ = _hosts(site)
    site.agents.hosts[here].hypervisor.migrations.seconds = 600.0
    task = await site.submit(site.power.migrate(ADMIN, vm.id, shapes.VmMigrate()))

    async def asked() -> bool:
        return any(operation == VM_MIGRATE.name for _, operation, _ in site.agents.asked)

    await _until(site, asked)
    return task


async def _cancelled(site: Site, task: Task) -> Task:
    await TaskService(site.world, site.audit, lambda: None).cancel(ADMIN, task.id)
    return await site.ended(task)


async def _forget(site: Site, host_id: str) -> None:
    """The host dies for good."""
    site.agents.disconnect(host_id)
    await _set_host(site, host_id, state=HostState.UNREACHABLE)
    await site.done(site.inventory.change_host(ADMIN, host_id, HostAction.FORGET))
    site.agents.hosts.pop(host_id)


async def test_two_vms_that_move_at_once_do_not_overfill_a_host(pair: Site) -> None:
    _, there = _hosts(pair)
    async with pair.running():
        vms = await _vms_here(pair, 2)
    await _set_host(pair, there, reserved_memory=256 * GIB - SMALL - MIB)
    tasks = [await pair.submit(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate())) for vm in vms]
    async with pair.running():
        ends = [await pair.ended(task) for task in tasks]
    assert sorted(end.state for end in ends) == [TaskState.FAILED, TaskState.SUCCEEDED]
    (error,) = [end.error for end in ends if end.error is not None]
    assert error["code"] == "placement.no_host"
    assert "of memory do not fit" in error["message"]
    assert (await pair.db.read(working))[there] == (1, SMALL)
    await pair.require_healthy()


async def test_while_a_vm_moves_it_has_room_on_both_hosts(pair: Site) -> None:
    here, there = _hosts(pair)
    async with pair.running():
        (vm,) = await _vms_here(pair)
        task = await _sending(pair, vm)
        assert await pair.db.read(working) == {here: (1, SMALL), there: (1, SMALL)}
        assert (await _cancelled(pair, task)).state is TaskState.CANCELLED
        assert await pair.db.read(working) == {here: (1, SMALL)}
    assert (await pair.vm(vm.id)).host_id == here
    await pair.require_healthy()


async def test_cancelling_one_that_waits_gives_nothing_back_of_the_one_that_runs(pair: Site) -> None:
    _, there = _hosts(pair)
    async with pair.running():
        (vm,) = await _vms_here(pair)
        first = await _sending(pair, vm)
        second = await pair.submit(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate()))
        assert (await _cancelled(pair, second)).state is TaskState.CANCELLED
        assert (await pair.db.read(working))[there] == (1, SMALL)
        await _cancelled(pair, first)


async def test_plan_says_of_every_host_why_or_why_not(pair: Site) -> None:
    here, there = _hosts(pair)
    async with pair.running():
        (vm,) = await _vms_here(pair)
    plan = await pair.changes().plan(ADMIN, await pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate()))
    first, *others = plan.details["placement"]
    assert (first["host_id"], first["chosen"], first["storage_name"]) == (there, True, "shared")
    reasons = {(one["host_id"], one["storage_name"]): one["reasons"] for one in others}
    assert reasons[here, "shared"] == ("the VM is on this host already",)
    assert reasons[there, "host1-local"] == ("the image or the storage asked for is elsewhere",)


async def test_plan_says_how_an_emulated_guest_moves(pair: Site) -> None:
    async with pair.running():
        (vm,) = await _vms_here(pair)
    told = []
    for mode in (MigrationMode.AUTO, MigrationMode.POST_COPY):
        body = shapes.VmMigrate(mode=mode)
        told.append((await pair.changes().plan(ADMIN, await pair.power.migrate(ADMIN, vm.id, body))).details["guest"])
    assert "during the first pass" in told[0]
    assert "until it runs there" in told[1]


async def test_maintenance_waits_for_a_vm_that_is_on_its_way_there(pair: Site) -> None:
    _, there = _hosts(pair)
    async with pair.running():
        (vm,) = await _vms_here(pair)
        task = await _sending(pair, vm)
        maintain = await pair.submit(pair.inventory.change_host(ADMIN, there, HostAction.MAINTAIN))

        async def closed() -> bool:
            return (await pair.db.read(lambda tx: HOST.get(tx, there))).maintenance

        await _until(pair, closed)
        await _cancelled(pair, task)
        assert (await pair.ended(maintain)).state is TaskState.SUCCEEDED


async def test_maintenance_waits_until_nothing_is_left_of_a_vm_that_has_gone(pair: Site) -> None:
    here, _ = _hosts(pair)
    async with pair.running():
        (vm,) = await _vms_here(pair)
    task = await pair.submit(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate()))
    maintain: list[Task] = []

    async def ask_for_maintenance() -> None:
        asked = await pair.submit(pair.inventory.change_host(ADMIN, here, HostAction.MAINTAIN))
        maintain.append(asked)

        async def waits() -> bool:
            now = await pair.db.read(lambda tx: rows.get(tx, asked.id))
            return now.waiting_for == f"Waiting for: Migrate VM {vm.name}"

        await _until(pair, waits)

    agents = Interference(pair.agents, Trouble.MEDDLED, at=_UNDEFINE, meddle=ask_for_maintenance)
    async with pair.running(agents):
        ends = [await pair.ended(task), await pair.ended(maintain[0])]
    assert agents.calls[_UNDEFINE] == VM_UNDEFINE.name
    assert [end.state for end in ends] == [TaskState.SUCCEEDED] * 2


async def test_vm_settles_on_its_host_while_the_target_is_dead(pair: Site) -> None:
    """Only what may be left on the target waits for it."""
    _, there = _hosts(pair)
    async with pair.running():
        (vm,) = await _vms_here(pair)
        task = await _sending(pair, vm)
        pair.agents.disconnect(there)
        await TaskService(pair.world, pair.audit, lambda: None).cancel(ADMIN, task.id)

        async def settled() -> bool:
            trail = {step.name: step.state for step in (await pair.db.read(lambda tx: rows.get(tx, task.id))).trail}
            return trail["transfer"] is trail["ports"] is StepState.UNDONE

        await _until(pair, settled)
        pair.agents.connect(there)
        assert (await pair.ended(task)).state is TaskState.CANCELLED
    await pair.require_healthy()


async def test_target_that_is_forgotten_is_not_waited_for(pair: Site) -> None:
    here, there = _hosts(pair)
    async with pair.running():
        (vm,) = await _vms_here(pair)
        task = await _sending(pair, vm)
        await _forget(pair, there)
        await _cancelled(pair, task)
    after = await pair.vm(vm.id)
    assert (after.host_id, after.other_host_id, after.state) == (here, None, VmState.RUNNING)
    await pair.require_healthy()


async def test_vm_is_lost_with_a_source_that_is_forgotten_before_it_has_left(pair: Site) -> None:
    here, there = _hosts(pair)
    async with pair.running():
        (vm,) = await _vms_here(pair)
        task = await _sending(pair, vm)
        await _forget(pair, here)
        assert (await pair.ended(task)).state is TaskState.FAILED
    after = await pair.vm(vm.id)
    assert (after.host_id, after.other_host_id, after.state) == (None, None, VmState.FAILED)
    assert await pair.agents.hosts[there].hypervisor.observe(vm.id) is None
    assert [finding.kind for finding in await pair.findings()] == ["vm.unfinished"]  # to be deleted


async def test_source_that_is_forgotten_when_the_vm_has_left_is_not_waited_for(pair: Site) -> None:
    here, there = _hosts(pair)
    async with pair.running():
        (vm,) = await _vms_here(pair)
    task = await pair.submit(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate()))

    async def forget_source() -> None:
        await _forget(pair, here)
        raise Unavailable("The host does not answer.", code="host.unreachable")

    agents = Interference(pair.agents, Trouble.MEDDLED, at=_UNDEFINE, meddle=forget_source)
    async with pair.running(agents):
        assert (await pair.ended(task)).state is TaskState.SUCCEEDED
    assert agents.calls[_UNDEFINE] == VM_UNDEFINE.name
    after = await pair.vm(vm.id)
    assert (after.host_id, after.other_host_id, after.state) == (there, None, VmState.RUNNING)
