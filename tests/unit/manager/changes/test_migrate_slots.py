"""Too many migrations of one host: those that wait go in order and say for what; a new manager counts the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from altus.common.errors import Conflict
from altus.manager.services.tasks import TaskService
from altus.manager.store import tasks as rows
from altus.manager.store.database import Database
from altus.manager.store.resources import HOST
from altus.manager.store.vms import working
from altus.model.host import Host
from altus.model.migration import MigrationMode, MigrationOptions
from altus.model.migration_slots import MOST_AT_ONCE
from altus.model.task import Task, TaskState
from altus.model.vm import Vm
from altus.wire import vms as shapes
from altus.wire.operations import VM_MIGRATE
from tests.unit.manager.changes.site import ADMIN, Site

_FOR_EVER = 600.0
_SHORT = 0.005


@pytest.fixture
async def both(db: Database, tmp_path: Path) -> AsyncIterator[Site]:
    """Two hosts, on either database."""
    site = await Site.new(db, tmp_path, 2)
    yield site
    await site.agents.close()


def _hosts(site: Site) -> tuple[str, str]:
    here, there = site.agents.hosts
    return here, there


async def _host(site: Site, host_id: str) -> Host:
    return await site.db.read(lambda tx: HOST.get(tx, host_id))


async def _set_host(site: Site, host_id: str, **fields: object) -> None:
    await site.db.write(lambda tx: HOST.change(tx, host_id, **fields))


async def _vms_here(site: Site, count: int) -> list[Vm]:
    """Running ones on the first host; needs a running engine."""
    _, there = _hosts(site)
    await _set_host(site, there, maintenance=True)
    vms = [await site.new_vm(start=True) for _ in range(count)]
    await _set_host(site, there, maintenance=False)
    return vms


def _take(site: Site, seconds: float, dirty_rate: int = 0) -> None:
    """How long migrations take from now on, and what their guests do meanwhile."""
    for host in site.agents.hosts.values():
        host.hypervisor.migrations.seconds = seconds
        host.hypervisor.migrations.dirty_rate = dirty_rate


async def _begin(site: Site, vm: Vm, mode: MigrationMode = MigrationMode.AUTO) -> Task:
    return await site.submit(site.power.migrate(ADMIN, vm.id, shapes.VmMigrate(mode=mode)))


async def _now(site: Site, task: Task) -> Task:
    return await site.db.read(lambda tx: rows.get(tx, task.id))


async def _says(site: Site, task: Task, text: str) -> None:
    async with asyncio.timeout(20):
        while True:
            seen = site.db.news.count
            if (await _now(site, task)).waiting_for == text:
                return
            await site.db.news.wait(seen, 0.5)


async def _sends(site: Site, task: Task) -> None:
    """Wait until memory is being sent."""
    async with asyncio.timeout(20):
        while not any(name == VM_MIGRATE.name and key.startswith(task.id) for _, name, key in site.agents.asked):
            await site.db.news.wait(site.db.news.count, 0.05)


async def _cancel(site: Site, task: Task) -> Task:
    await TaskService(site.world, site.audit, lambda: None).cancel(ADMIN, task.id)
    return await site.ended(task)


def _turn(position: int, host: Host, limit: int = 1) -> str:
    return f"Waiting for its turn: number {position}; host {host.name} moves {limit} VMs at once"


async def test_others_wait_in_order_and_go_on_when_there_is_room(both: Site) -> None:
    here, there = _hosts(both)
    async with both.running():
        vms = await _vms_here(both, 3)
        await _set_host(both, here, migrations=1)
        source = await _host(both, here)
        _take(both, _FOR_EVER)
        tasks = []
        for vm, says in zip(vms, ["half of it sent", _turn(1, source), _turn(2, source)], strict=True):
            tasks.append(await _begin(both, vm))
            await _says(both, tasks[-1], says)
        assert {host: count for host, (count, _) in (await both.db.read(working)).items()} == {here: 3, there: 1}
        await _cancel(both, tasks[0])
        await _sends(both, tasks[1])
        await _says(both, tasks[2], _turn(1, source))
        _take(both, _SHORT)
        assert [(await both.ended(task)).state for task in tasks[1:]] == [TaskState.SUCCEEDED] * 2
    await both.require_healthy()


async def test_the_other_host_has_its_number_too(both: Site) -> None:
    _, there = _hosts(both)
    async with both.running():
        vms = await _vms_here(both, 2)
        await _set_host(both, there, migrations=1)
        _take(both, _FOR_EVER)
        first = await _begin(both, vms[0])
        await _says(both, first, "half of it sent")
        second = await _begin(both, vms[1])
        await _says(both, second, _turn(1, await _host(both, there)))
        _take(both, _SHORT)
        assert [(await both.ended(task)).state for task in (first, second)] == [TaskState.SUCCEEDED] * 2


async def test_one_that_waits_for_its_turn_can_be_cancelled(both: Site) -> None:
    here, _ = _hosts(both)
    async with both.running():
        vms = await _vms_here(both, 2)
        await _set_host(both, here, migrations=1)
        _take(both, _FOR_EVER)
        first = await _begin(both, vms[0])
        await _says(both, first, "half of it sent")
        second = await _begin(both, vms[1])
        await _says(both, second, _turn(1, await _host(both, here)))
        assert (await _cancel(both, second)).state is TaskState.CANCELLED
        assert (await both.vm(vms[1].id)).other_host_id is None
        await _cancel(both, first)
    await both.require_healthy()


async def test_a_new_manager_counts_the_same(both: Site) -> None:
    here, _ = _hosts(both)
    async with both.running():
        vms = await _vms_here(both, 3)
        await _set_host(both, here, migrations=1)
        _take(both, _FOR_EVER)
        first = await _begin(both, vms[0])
        await _says(both, first, "half of it sent")
        second = await _begin(both, vms[1])
        await _says(both, second, _turn(1, await _host(both, here)))
    async with both.running():
        third = await _begin(both, vms[2])
        await _says(both, third, _turn(2, await _host(both, here)))
        assert (await both.vm(vms[1].id)).other_host_id is None
        for task in (third, second, first):
            assert (await _cancel(both, task)).state is TaskState.CANCELLED


async def test_a_host_on_which_guests_are_faster_than_the_way_lets_fewer_move(pair: Site) -> None:
    here, there = _hosts(pair)
    async with pair.running():
        vms = await _vms_here(pair, 3)
        _take(pair, _FOR_EVER)
        slow = [await _begin(pair, vm) for vm in vms[:2]]
        for task in slow:
            await _sends(pair, task)
        _take(pair, _SHORT, dirty_rate=1 << 50)
        assert [(await pair.ended(task)).state for task in slow] == [TaskState.SUCCEEDED] * 2
        assert [(await _host(pair, host)).migrations for host in (here, there)] == [1, 1]  # half of the two there were
        _take(pair, _SHORT)
        await pair.done(pair.power.migrate(ADMIN, vms[2].id, shapes.VmMigrate()))
        assert [(await _host(pair, host)).migrations for host in (here, there)] == [2, 2]
    assert MOST_AT_ONCE > 2


async def test_how_it_was_asked_for_and_went_is_kept_with_the_vm(pair: Site) -> None:
    async with pair.running():
        (vm,) = await _vms_here(pair, 1)
        _take(pair, _SHORT, dirty_rate=1 << 20)
        body = shapes.VmMigrate(bandwidth=50, downtime=20)
        task = await pair.done(pair.power.migrate(ADMIN, vm.id, body))
    facts = (await pair.vm(vm.id)).migration
    assert facts is not None
    assert facts.options == MigrationOptions(bandwidth=50, downtime=20)
    assert (facts.mode, facts.throttle > 0, facts.dirty_rate) == (MigrationMode.AUTO_CONVERGE, True, 1 << 20)
    assert task.trail[3].result["mode"] == "auto-converge"


async def test_what_post_copy_moves_cannot_be_cancelled_and_says_why(pair: Site) -> None:
    async with pair.running():
        (vm,) = await _vms_here(pair, 1)
        _take(pair, _FOR_EVER)
        task = await _begin(pair, vm, MigrationMode.POST_COPY)
        await _says(pair, task, "half of it sent")
        assert not (await _now(pair, task)).cancellable
        with pytest.raises(Conflict, match="cannot be taken back now: half of it sent") as refused:
            await TaskService(pair.world, pair.audit, lambda: None).cancel(ADMIN, task.id)
        assert refused.value.code == "task.not_cancellable"
    async with pair.running():  # nor by a manager that comes after
        with pytest.raises(Conflict):
            await TaskService(pair.world, pair.audit, lambda: None).cancel(ADMIN, task.id)
        assert (await _now(pair, task)).state is TaskState.RUNNING
        _take(pair, _SHORT)
        assert (await pair.ended(task)).state is TaskState.SUCCEEDED
