"""What others change on a host becomes an alarm, a repair, or both, by itself; and the alarm goes when it is right."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from altus.common.errors import Conflict, Failed
from altus.common.ids import new_id
from altus.common.units import MIB
from altus.drivers.hypervisor.base import VmAttachments
from altus.manager.periodic.reconcile import Listener, Reconciler
from altus.manager.services.doctor import DoctorService
from altus.manager.services.observe import Observer
from altus.manager.services.repairs import Repairs
from altus.manager.services.unmanaged import UnmanagedService
from altus.manager.store import events
from altus.manager.store.alarms import ALARM
from altus.manager.store.database import Database
from altus.manager.store.resources import HOST
from altus.manager.tasks.vm_parts import definition
from altus.model.alarm import Alarm
from altus.model.domain import DomainFacts
from altus.model.resource import utc_now
from altus.model.security_group import SecurityGroupSpec
from altus.model.task import TaskState
from altus.model.vm import Vm, VmState
from altus.model.vm_action import VmAction
from altus.wire.operations import PORT_ENSURE
from testbed.patience import until
from tests.unit.manager.changes.floating_ips import new_floating_ip
from tests.unit.manager.changes.forwards import new_forward
from tests.unit.manager.changes.routers import new_isolated, new_router
from tests.unit.manager.changes.security_groups import new_group
from tests.unit.manager.changes.site import ADMIN, Site, tasks_of
from tests.unit.manager.changes.volumes import left_copy


@pytest.fixture
async def site(sqlite_db: Database, tmp_path: Path) -> AsyncIterator[Site]:
    """One host."""
    site = await Site.new(sqlite_db, tmp_path)
    yield site
    await site.agents.close()


@dataclasses.dataclass
class Followed:
    """A site whose host is followed: by an engine, an observer and a reconciler."""

    site: Site
    reconciler: Reconciler
    epoch: int


@contextlib.asynccontextmanager
async def following(site: Site, look_again: float = 60.0) -> AsyncIterator[Followed]:
    """Inside the block the host is followed."""
    async with site.running() as engine:
        await until(lambda: _is_leader(engine), "the lease is taken")
        assert engine.lease is not None
        epoch, changes = engine.lease.epoch, site.changes(engine.wake)
        reconciler = Reconciler(DoctorService(site.world), Repairs(changes), look_again=look_again, pause=0.02)
        listener = Listener(Observer(site.db, epoch), reconciler.touch)
        work = [asyncio.create_task(reconciler.follow(site.host_id, epoch)),
                asyncio.create_task(site.agents.watch(site.host_id, listener))]  # fmt: skip
        site.agents.hosts[site.host_id].core.start()
        try:
            yield Followed(site, reconciler, epoch)
        finally:
            for one in work:
                one.cancel()
            await asyncio.gather(*work, return_exceptions=True)


async def _is_leader(engine: object) -> bool:
    return getattr(engine, "lease", None) is not None


async def _alarms(site: Site) -> list[Alarm]:
    return await site.db.read(ALARM.all)


def _kinds(site: Site, *kinds: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return sorted(alarm.kind for alarm in await _alarms(site)) == sorted(kinds)

    return look


def _repaired(site: Site, count: int = 1) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return [task.state for task in await tasks_of(site, "vm.repair")] == [TaskState.SUCCEEDED] * count

    return look


def _ended(site: Site, kind: str, count: int = 1) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return [task.state for task in await tasks_of(site, kind)] == [TaskState.SUCCEEDED] * count

    return look


async def test_a_port_that_others_removed_is_made_again(site: Site) -> None:
    host = site.agents.hosts[site.host_id]
    async with following(site):
        vm = await site.new_vm()
        before = await host.network.truth()
        await host.network.delete_port(vm.hardware.nics[0].id)
        await until(_repaired(site), "the VM is repaired")
        assert await host.network.truth() == before
        await until(_kinds(site), "no alarm stands")
    (task,) = await tasks_of(site, "vm.repair")
    assert task.actor == "altus"
    told = [event.kind for event in await site.db.read(lambda tx: events.after(tx, 0)) if event.noun == "alarm"]
    assert told == ["alarm.raised", "alarm.cleared"]


async def test_a_vm_that_others_undefined_is_defined_again_and_stays_off(site: Site) -> None:
    async with following(site):
        vm = await site.new_vm()
        site.agents.hosts[site.host_id].hypervisor.others.undefine(vm.id)
        await until(_repaired(site), "the VM is repaired")
        await until(_kinds(site), "no alarm stands")
    assert (await site.vm(vm.id)).state is VmState.STOPPED
    await site.require_healthy()


async def test_a_running_vm_that_others_undefined_runs_on(site: Site) -> None:
    host = site.agents.hosts[site.host_id]
    async with following(site):
        vm = await site.new_vm(start=True)
        host.hypervisor.others.undefine(vm.id)
        await until(_repaired(site), "the VM is repaired")
    after = await site.vm(vm.id)
    assert (after.state, after.restart_pending) == (VmState.RUNNING, False)
    assert [domain.persistent for domain in await host.hypervisor.domains()] == [True]


async def test_another_definition_is_told_until_a_repair_is_asked_for(site: Site) -> None:
    async with following(site) as followed:
        vm = await site.new_vm(start=True)
        spoiled = dataclasses.replace(vm.hardware, vcpus=9)
        site.agents.hosts[site.host_id].hypervisor.others.redefine(
            dataclasses.replace(definition(vm), hardware=spoiled)
        )
        await until(_kinds(site, "vm.definition"), "it is told")
        (alarm,) = await _alarms(site)
        assert (alarm.noun, alarm.object_id, alarm.host_id) == ("vm", vm.id, site.host_id)
        assert "9 vCPUs instead of 1" in alarm.message
        assert await tasks_of(site, "vm.repair") == []
        await site.done(site.vms.repair(ADMIN, vm.id))
        followed.reconciler.touch(site.host_id)
        await until(_kinds(site), "no alarm stands")
    after = await site.vm(vm.id)
    assert (after.state, after.restart_pending) == (VmState.RUNNING, True)


async def _lose_disk(site: Site, vm: Vm) -> str:
    volume = vm.hardware.disks[1].volume_id
    await site.agents.hosts[site.host_id].storage.delete_volume(volume)
    return volume


async def test_a_disk_that_is_gone_is_never_made_and_keeps_its_vm_from_start_and_repair(site: Site) -> None:
    async with following(site):
        vm = await site.new_vm()
        volume = await _lose_disk(site, vm)
        site.agents.hosts[site.host_id].hypervisor.others.undefine(vm.id)
        await until(_kinds(site, "vm.missing", "volume.missing"), "it is told")
        assert await tasks_of(site, "vm.repair") == []
        with pytest.raises(Conflict, match=volume):
            await site.submit(site.vms.repair(ADMIN, vm.id))
    assert volume not in {one.id for one in await site.agents.hosts[site.host_id].storage.volumes()}


async def test_a_vm_with_a_lost_disk_is_not_started(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm()
    volume = await _lose_disk(site, vm)
    with pytest.raises(Conflict, match=volume):
        await site.submit(site.power.simple(ADMIN, vm.id, VmAction.START))


async def test_what_a_host_has_that_the_database_lost_is_told_and_left(site: Site) -> None:
    """As after hours of absence: nothing is touched without being asked."""
    host = site.agents.hosts[site.host_id]
    async with site.running():
        vm = await site.new_vm(nics=[], disks=[])
    host.disconnect()
    stranger = dataclasses.replace(definition(vm), id=new_id())
    await host.hypervisor.define(stranger, VmAttachments(disks=(), nics=()))
    async with following(site, look_again=0.05):
        await until(_kinds(site, "host.silent"), "its silence is told")
        name = await site.db.read(lambda tx: HOST.get(tx, host.id).name)
        assert [alarm.message for alarm in await _alarms(site)] == [f"Host {name}: It does not answer."]
        host.connect()
        await until(_kinds(site, "vm.orphan"), "the orphan is told")
        assert {seen.id for seen in await host.hypervisor.observe_all()} == {vm.id, stranger.id}
        _, listed = await UnmanagedService(site.world).list(ADMIN, site.host_id)
        assert [(domain.id, domain.ours) for domain in listed] == [(stranger.id, True)]
        await host.hypervisor.undefine(stranger.id)
        await until(_kinds(site), "no alarm stands")


async def test_domains_of_others_are_listed_and_no_alarm(site: Site) -> None:
    foreign = DomainFacts(id=new_id(), name="legacy", state=VmState.RUNNING, ours=False, persistent=True, vcpus=2,
                          memory=64 * MIB)  # fmt: skip
    async with site.running():
        await site.new_vm()
    site.agents.hosts[site.host_id].hypervisor.others.define(foreign)
    _, listed = await UnmanagedService(site.world).list(ADMIN, "host0")
    assert listed == [foreign]
    await site.require_healthy()


async def test_a_repair_that_failed_is_not_tried_again_at_once(site: Site) -> None:
    host, now = site.agents.hosts[site.host_id], utc_now()
    async with site.running() as engine:
        vm = await site.new_vm()
        await host.network.delete_port(vm.hardware.nics[0].id)
        findings = await site.findings()
        site.agents.fail_next(site.host_id, PORT_ENSURE.name, Failed("No.", code="network.refused"))
        repairs = Repairs(site.changes(engine.wake), lambda: now)
        await repairs.submit(findings)
        (task,) = await tasks_of(site, "vm.repair")
        assert (await site.ended(task)).state is TaskState.FAILED
        await repairs.submit(findings)
        assert len(await tasks_of(site, "vm.repair")) == 1
        now += timedelta(minutes=11)
        await repairs.submit(findings)
        await repairs.submit(findings)
        (_, second) = await tasks_of(site, "vm.repair")
        assert (await site.ended(second)).state is TaskState.SUCCEEDED
    await site.require_healthy()


async def test_rules_and_members_of_a_security_group_that_others_changed_are_put_right(site: Site) -> None:
    network = site.agents.hosts[site.host_id].network
    async with following(site):
        group = await new_group(site)
        vm = await site.new_vm(nics=[{"network": site.lan, "security_groups": [group]}])
        before = await network.truth()
        await network.ensure_security_group(SecurityGroupSpec(id=group))
        await until(_ended(site, "security_group.repair"), "the group is repaired")
        assert await network.truth() == before
        await network.ensure_port(dataclasses.replace(vm.hardware.nics[0].port, security_groups=()))
        await until(_repaired(site), "the VM is repaired")
        assert await network.truth() == before
        await until(_kinds(site), "no alarm stands")


async def test_a_floating_address_and_a_forward_that_others_took_away_are_led_again(site: Site) -> None:
    network = site.agents.hosts[site.host_id].network
    async with following(site):
        vm = await site.new_vm()
        floating, forward = await new_floating_ip(site, vm), await new_forward(site, vm)
        before = await network.truth()
        for one in (floating, forward):
            await network.delete_translation(one)
        await until(_ended(site, "floating_ip.repair"), "the floating address is repaired")
        await until(_ended(site, "forward.repair"), "the forward is repaired")
        assert await network.truth() == before
        await until(_kinds(site), "no alarm stands")


async def test_a_router_that_others_changed_or_removed_is_put_right(site: Site) -> None:
    network = site.agents.hosts[site.host_id].network
    async with following(site):
        router = await new_router(site, await new_isolated(site))
        before = await network.truth()
        await network.delete_router(router)
        await until(_ended(site, "router.repair"), "it is repaired")
        assert await network.truth() == before
        await until(_kinds(site), "no alarm stands")


async def test_a_copy_of_a_disk_that_a_migration_left_is_removed(sqlite_db: Database, tmp_path: Path) -> None:
    site = await Site.new(sqlite_db, tmp_path, 2)
    async with following(site, look_again=0.1):
        left = await left_copy(site, own="host1-local", other="host0-local")
        await until(_ended(site, "volume.repair"), "the copy is removed")
        assert not await left.is_there()
        await until(_kinds(site), "no alarm stands")
    await site.agents.close()


async def test_groups_that_name_each_other_come_back_in_their_order(site: Site) -> None:
    network = site.agents.hosts[site.host_id].network
    async with following(site):
        remote = await new_group(site)
        group = await new_group(site, rules=[{"direction": "in", "group": remote}])
        before = await network.truth()
        for one in (group, remote):
            await network.delete_security_group(one)
        await until(_ended(site, "security_group.repair", 2), "both are repaired")
        assert await network.truth() == before
        await until(_kinds(site), "no alarm stands")


async def test_alarms_of_a_host_that_left_go_with_it(site: Site) -> None:
    async with following(site) as followed:
        vm = await site.new_vm()
        await _lose_disk(site, vm)
        await until(_kinds(site, "volume.missing"), "it is told")
    await site.db.write(lambda tx: HOST.delete(tx, site.host_id))
    await followed.reconciler.forget(followed.epoch)
    assert await _alarms(site) == []
