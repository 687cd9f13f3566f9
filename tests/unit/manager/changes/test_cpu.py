"""The CPU that VMs are given, keep, and can go with."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from altus.common.errors import AltusError
from altus.drivers.hypervisor.fake import FAKE_CPUS
from altus.manager.services.pools import PoolService
from altus.manager.store.resources import HOST
from altus.model.cpu import CpuOffer, GuestCpu, best_cpu
from altus.model.pool import DEFAULT_POOL
from altus.model.task import TaskState
from altus.model.vm import Vm, VmState
from altus.model.vm_action import VmAction
from altus.wire import pools as pool_shapes
from altus.wire import resources as host_shapes
from altus.wire import vms as shapes
from tests.unit.manager.changes.site import ADMIN, Site

OLD = CpuOffer(models=("Good",), features=("cmov", "lm"))
ALIEN = CpuOffer(models=("Strange",), features=("lm",))


async def _refit(site: Site, host_id: str, offer: CpuOffer) -> None:
    """The host can give this from now on, and has said so."""
    host = site.agents.hosts[host_id]
    host.hypervisor.cpus = offer
    facts = await site.db.read(lambda tx: HOST.get(tx, host_id).facts)
    assert facts is not None
    told = dataclasses.replace(facts, guest_cpus=offer)
    await site.db.write(lambda tx: HOST.change(tx, host_id, facts=told))


def _pools(site: Site) -> PoolService:
    return PoolService(site.db, site.audit)


async def _fix(site: Site, model: str) -> None:
    await _pools(site).edit(ADMIN, DEFAULT_POOL, pool_shapes.PoolEdit(cpu_model=model))


def _guest(site: Site, vm: Vm) -> GuestCpu | None:
    """What the guest really has."""
    return site.agents.hosts[vm.host_id or ""].hypervisor.others.guest_cpu(vm.id)


async def _refused(change: Any) -> AltusError:
    with pytest.raises(AltusError) as refused:
        await change
    return refused.value


async def test_a_vm_is_given_what_all_hosts_of_its_pool_can_give(pair: Site) -> None:
    first, second = pair.agents.hosts
    await _refit(pair, second, OLD)
    async with pair.running():
        vm = await pair.new_vm(start=True)
        assert vm.cpu == best_cpu(OLD) == _guest(pair, vm)
        other = second if vm.host_id == first else first
        await pair.done(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate()))
        moved = await pair.vm(vm.id)
        assert (moved.host_id, moved.cpu, _guest(pair, moved)) == (other, best_cpu(OLD), best_cpu(OLD))


async def test_what_runs_keeps_its_cpu_and_what_starts_takes_the_present_one(site: Site) -> None:
    async with site.running():
        vm, off = await site.new_vm(start=True), await site.new_vm()
        assert vm.cpu == off.cpu == best_cpu(FAKE_CPUS)
        await _fix(site, "Good")
        assert (await site.vm(vm.id)).cpu == best_cpu(FAKE_CPUS) == _guest(site, vm)
        await site.done(site.power.restart(ADMIN, vm.id, shapes.VmRestart(force=True)))  # its QEMU lives on
        assert (await site.vm(vm.id)).cpu == best_cpu(FAKE_CPUS) == _guest(site, vm)
        await site.done(site.vms.edit(ADMIN, vm.id, shapes.VmEdit(vcpus=2)))
        await site.done(site.power.restart(ADMIN, vm.id, shapes.VmRestart(force=True)))
        await site.done(site.power.simple(ADMIN, off.id, VmAction.START))
        for one in (vm, off):
            assert (await site.vm(one.id)).cpu == GuestCpu(model="Good") == _guest(site, one)


async def test_what_is_suspended_goes_on_with_the_cpu_in_its_memory(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm(start=True)
        await site.done(site.power.simple(ADMIN, vm.id, VmAction.SUSPEND))
        await _fix(site, "Good")
        await site.done(site.power.simple(ADMIN, vm.id, VmAction.START))
        assert (await site.vm(vm.id)).cpu == best_cpu(FAKE_CPUS) == _guest(site, vm)


async def test_a_model_that_was_asked_for_stays_whatever_the_pool_gives(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm(cpu_model="Good")
        assert vm.cpu == GuestCpu(model="Good")
        await site.done(site.power.simple(ADMIN, vm.id, VmAction.START))
        assert _guest(site, vm) == GuestCpu(model="Good")
        await site.done(site.vms.edit(ADMIN, vm.id, shapes.VmEdit(cpu_model="Better")))
        edited = await site.vm(vm.id)
        assert (edited.restart_pending, edited.cpu) == (True, GuestCpu(model="Good"))
        await site.done(site.power.restart(ADMIN, vm.id, shapes.VmRestart(force=True)))
        assert (await site.vm(vm.id)).cpu == GuestCpu(model="Better") == _guest(site, vm)
        unknown = await _refused(site.vms.edit(ADMIN, vm.id, shapes.VmEdit(cpu_model="Nonesuch")))
        assert (unknown.code, "Better, Good" in unknown.message) == ("cpu.unknown", True)
        assert (await _refused(site.vms.create(ADMIN, site.vm_body(cpu_model="Nonesuch")))).code == "cpu.unknown"


async def test_a_vm_does_not_go_where_its_cpu_is_not(pair: Site) -> None:
    async with pair.running():
        vm = await pair.new_vm(start=True)
        other = next(host for host in pair.agents.hosts if host != vm.host_id)
        await _refit(pair, other, OLD)
        refused = await _refused(pair.submit(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate())))
        assert refused.code == "placement.no_host"
        assert "the host has a CPU that lacks sse2 of Better" in refused.message
        assert (await pair.vm(vm.id)).host_id == vm.host_id
        await pair.done(pair.power.stop(ADMIN, vm.id, shapes.VmStop(force=True, timeout=0)))
        await pair.done(pair.power.simple(ADMIN, vm.id, VmAction.START))
        await pair.done(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate()))
        assert (await pair.vm(vm.id)).host_id == other


async def test_a_host_that_has_nothing_in_common_is_given_no_vms(pair: Site) -> None:
    first, second = pair.agents.hosts
    await _refit(pair, second, ALIEN)
    async with pair.running():
        vm = await pair.new_vm(start=True)
        assert vm.host_id == first
        refused = await _refused(pair.submit(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate())))
        assert "the host has no CPU model in common with its pool" in refused.message
    cpus = await _pools(pair).cpus()
    alien = await pair.db.read(lambda tx: HOST.get(tx, second))
    assert cpus.refusal(alien) == "Host host1 gets no VMs: it has no CPU model in common with its pool."


async def test_a_pool_takes_no_host_that_cannot_give_its_cpu(pair: Site) -> None:
    first, second = pair.agents.hosts
    await _refit(pair, second, ALIEN)
    made = await _pools(pair).create(ADMIN, pool_shapes.PoolCreate(name="strange"))
    move = host_shapes.HostEdit(pool="strange")
    assert (await pair.inventory.edit_host(ADMIN, second, move)).pool_id == made.id
    refused = await _refused(pair.inventory.edit_host(ADMIN, first, move))
    assert (refused.code, "no CPU model in common" in refused.message) == ("pool.cpu_differs", True)


async def test_a_pool_is_given_no_cpu_that_a_host_with_vms_lacks(pair: Site) -> None:
    first, second = pair.agents.hosts
    for host_id in (first, second):
        await _refit(pair, host_id, OLD)
    async with pair.running():
        vm = await pair.new_vm(start=True)
        other = second if vm.host_id == first else first
        await _refit(pair, other, FAKE_CPUS)
        assert (await _refused(_fix(pair, "Better"))).code == "pool.cpu_in_use"
        await pair.done(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate(host=other)))
        await _fix(pair, "Better")
        refused = await _refused(pair.submit(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate())))
        assert "the host cannot give the CPU model Better, which its pool gives" in refused.message
        assert (await _refused(_fix(pair, "Nonesuch"))).code == "cpu.unknown"


async def test_a_start_that_fails_leaves_the_vm_defined_as_before(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm()
        await _fix(site, "Good")
        hypervisor = site.agents.hosts[site.host_id].hypervisor
        hypervisor.fail_next("start", AltusError("It breaks.", code="test.broken"))
        task = await site.ended(await site.submit(site.power.simple(ADMIN, vm.id, VmAction.START)))
        assert task.state is TaskState.FAILED
        after = await site.vm(vm.id)
        assert (after.state, after.cpu) == (VmState.STOPPED, best_cpu(FAKE_CPUS))
        await hypervisor.start(vm.id)  # by others, as it is defined
        assert _guest(site, vm) == best_cpu(FAKE_CPUS)


async def test_a_vm_on_a_host_that_its_pool_refuses_does_not_start(pair: Site) -> None:
    async with pair.running():
        vm = await pair.new_vm(image=None, storage="host1-local")
        await _refit(pair, vm.host_id or "", ALIEN)
        refused = await _refused(pair.submit(pair.power.simple(ADMIN, vm.id, VmAction.START)))
        assert (refused.code, "no CPU model in common" in refused.message) == ("host.cpu", True)
