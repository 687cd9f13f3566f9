"""VMs with disks that only their host reaches: these are copied, and are on one host when it is over."""

from __future__ import annotations

from typing import Any

import pytest

from altus.common.errors import AltusError, Conflict, Failed
from altus.common.units import GIB
from altus.drivers.hypervisor.base import Move
from altus.manager.store.resources import STORAGE, VM, VOLUME
from altus.manager.tasks.vm_migrate_disks import needed
from altus.model.host_action import HostAction
from altus.model.migration import MigrationFacts
from altus.model.storage import Storage, StorageUsage
from altus.model.task import TaskState
from altus.model.vm import Vm, VmState
from altus.model.volume import Volume
from altus.wire import vms as shapes
from tests.unit.manager.changes.site import ADMIN, Site
from tests.unit.manager.changes.test_migrate_room import _cancelled, _forget, _hosts, _sending
from tests.unit.manager.changes.volumes import local_vm


async def _storage(site: Site, name: str) -> Storage:
    return await site.db.read(lambda tx: STORAGE.find(tx, name))


async def _free(site: Site, name: str, available: int) -> None:
    """The repository tells how much is free."""
    usage = StorageUsage(capacity=GIB, used=0, available=available)
    storage = await _storage(site, name)
    await site.db.write(lambda tx: STORAGE.change(tx, storage.id, usage=usage))


async def _needed(site: Site, vm: Vm) -> int:
    """Bytes that its copies take, as far as the database knows."""
    return await site.db.read(lambda tx: needed(tx, vm))


async def _name(site: Site, storage_id: str) -> str:
    return (await site.db.read(lambda tx: STORAGE.get(tx, storage_id))).name


async def _volume(site: Site, volume_id: str) -> Volume:
    return await site.db.read(lambda tx: VOLUME.get(tx, volume_id))


async def _empty_when_made(site: Site, volume_id: str) -> None:
    await site.db.write(lambda tx: VOLUME.change(tx, volume_id, allocation=0))


async def _on_storage(site: Site, vm: Vm) -> dict[str, set[str]]:
    """Which of its volumes are really in which repository, by name."""
    wanted, found = {disk.volume_id for disk in vm.hardware.disks}, {}
    for host in site.agents.hosts.values():
        for storage_id, driver in host.storages.items():
            name = await _name(site, storage_id)
            found[name] = wanted & {facts.id for facts in await driver.volumes()}
    return {name: volumes for name, volumes in found.items() if volumes}


async def _refusal(site: Site, vm: Vm, **fields: Any) -> AltusError:
    with pytest.raises(AltusError) as refused:
        await site.submit(site.power.migrate(ADMIN, vm.id, shapes.VmMigrate(**fields)))
    return refused.value


async def _require_at(site: Site, vm: Vm, host_id: str, storage: str) -> None:
    """Database and repositories say that it is there with all its disks."""
    after, where = await site.vm(vm.id), await _storage(site, storage)
    volumes = [await _volume(site, disk.volume_id) for disk in vm.hardware.disks]
    assert (after.host_id, after.other_host_id, after.storage_id) == (host_id, None, where.id)
    assert {volume.storage_id for volume in volumes} == {where.id}
    assert await _on_storage(site, vm) == {storage: {volume.id for volume in volumes}}
    await site.require_healthy()


@pytest.mark.parametrize(("asked", "storage"), [(None, "host1-local"), ("host1-local", "host1-local"),
                                                ("shared", "shared")])  # fmt: skip
async def test_disks_come_along_and_stand_on_nothing(pair: Site, asked: str | None, storage: str) -> None:
    _, there = _hosts(pair)
    async with pair.running():
        vm = await local_vm(pair)
        assert vm.hardware.kernel_image_id is not None
        await pair.done(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate(storage=asked)))
        await _require_at(pair, vm, there, storage)
        assert (await pair.vm(vm.id)).hardware.kernel_image_id is None
        await pair.done(pair.images.delete(ADMIN, vm.hardware.kernel_image_id or ""))


async def test_what_is_in_the_way_is_told(pair: Site) -> None:
    async with pair.running():
        local, shared = await local_vm(pair), await pair.new_vm(start=True)
        assert (await _refusal(pair, local, mode="post-copy")).code == "vm.post_copy_disks"
        assert (await _refusal(pair, shared, storage="host1-local")).code == "vm.storage_shared"
        assert (await _refusal(pair, local, storage="host0-local")).code == "placement.no_host"
        assert (await _refusal(pair, local, storage="nowhere")).code == "storage.not_found"
        for name in ("host1-local", "shared"):
            await _free(pair, name, 1)
        refused = await _refusal(pair, local)
        assert refused.code == "placement.no_host"
        assert "have to be copied, and storage host1-local has 1 B free" in refused.message
        hardware = (await pair.vm(local.id)).hardware
        with_cd = type(hardware)(**{**vars(hardware), "cdrom_image_id": hardware.kernel_image_id})
        await pair.db.write(lambda tx: VM.change(tx, local.id, hardware=with_cd))
        assert (await _refusal(pair, local)).code == "vm.cdrom_local"


async def test_plan_says_which_disks_are_copied_where_and_that_the_kernel_stays(pair: Site) -> None:
    async with pair.running():
        vm = await local_vm(pair)
    plan = await pair.changes().plan(ADMIN, await pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate()))
    based, empty = plan.details["disks"]
    assert "is copied to host1-local, with what it shares with its base" in based
    assert empty.endswith("of 2 MiB) is copied to host1-local")
    assert "kernel stays behind" in plan.details["next start"]
    assert plan.details["placement"][0]["storage_name"] == "host1-local"


async def test_disks_that_have_grown_since_are_not_begun_where_they_do_not_fit(pair: Site) -> None:
    here, _ = _hosts(pair)
    async with pair.running():
        vm = await local_vm(pair)
        for disk in vm.hardware.disks:
            await _empty_when_made(pair, disk.volume_id)
        for name in ("host1-local", "shared"):
            await _free(pair, name, await _needed(pair, vm))
        ended = await pair.ended(await pair.submit(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate())))
    assert (ended.state, (ended.error or {})["code"]) == (TaskState.FAILED, "storage.full")
    await _require_at(pair, vm, here, "host0-local")


async def test_maintenance_says_what_is_copied_and_what_does_not_fit(pair: Site) -> None:
    here, _ = _hosts(pair)
    async with pair.running():
        vms = [await local_vm(pair), await local_vm(pair)]
        plan = await pair.changes().plan(ADMIN, await pair.inventory.change_host(ADMIN, here, HostAction.MAINTAIN))
        told = plan.details["VMs that move"]
        assert len(told) == 2
        assert all(" to host1, with " in one and one.endswith("of disks to host1-local") for one in told)
        await _free(pair, "shared", 0)
        await _free(pair, "host1-local", await _needed(pair, vms[0]) * 3 // 2)
        with pytest.raises(Conflict) as refused:
            await pair.submit(pair.inventory.change_host(ADMIN, here, HostAction.MAINTAIN))
        assert [vm.name in refused.value.message for vm in vms].count(True) == 1
        await _free(pair, "host1-local", GIB)
        await pair.done(pair.inventory.change_host(ADMIN, here, HostAction.MAINTAIN))
    for vm in vms:
        await _require_at(pair, vm, _hosts(pair)[1], "host1-local")


async def test_cancelled_in_the_midst_nothing_is_left_there(pair: Site) -> None:
    here, _ = _hosts(pair)
    async with pair.running():
        vm = await local_vm(pair)
        task = await _sending(pair, vm)
        assert set(await _on_storage(pair, vm)) == {"host0-local", "host1-local"}
        await pair.require_healthy()
        assert (await _cancelled(pair, task)).state is TaskState.CANCELLED
    await _require_at(pair, vm, here, "host0-local")


async def test_a_guest_that_went_on_there_and_ended_keeps_the_disks_that_it_wrote_last(
    pair: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = _hosts(pair)
    async with pair.running():
        vm = await local_vm(pair)
        migrations = pair.agents.hosts[here].hypervisor.migrations
        leave = migrations.leave

        async def and_ends(vm_id: str, move: Move) -> MigrationFacts:
            await leave(vm_id, move)
            pair.agents.hosts[there].hypervisor.crash(vm_id)
            raise Failed("The agent died.", code="test.died")

        monkeypatch.setattr(migrations, "leave", and_ends)
        ended = await pair.ended(await pair.submit(pair.power.migrate(ADMIN, vm.id, shapes.VmMigrate())))
    assert ended.state is TaskState.FAILED
    assert (await pair.vm(vm.id)).state is VmState.CRASHED
    await _require_at(pair, vm, there, "host1-local")


async def test_a_guest_that_ended_before_it_left_keeps_its_disks_here(pair: Site) -> None:
    here, _ = _hosts(pair)
    async with pair.running():
        vm = await local_vm(pair)
        task = await _sending(pair, vm)
        pair.agents.hosts[here].hypervisor.migrations.seconds = 0.0
        pair.agents.hosts[here].hypervisor.crash(vm.id)
        assert (await pair.ended(task)).state is TaskState.FAILED
    assert (await pair.vm(vm.id)).state is VmState.CRASHED
    await _require_at(pair, vm, here, "host0-local")


async def test_nothing_is_left_on_the_target_of_a_vm_that_was_lost_with_its_host(pair: Site) -> None:
    here, there = _hosts(pair)
    async with pair.running():
        vm = await local_vm(pair)
        task = await _sending(pair, vm)
        await _forget(pair, here)
        assert (await pair.ended(task)).state is TaskState.FAILED
    assert await pair.agents.hosts[there].hypervisor.observe(vm.id) is None
    assert await _on_storage(pair, vm) == {}
    await pair.require_healthy()
