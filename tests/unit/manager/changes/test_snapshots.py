"""Snapshots: the tree, going back, deleting in any order, and what they forbid."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable

import pytest

from altus.common.errors import AltusError, Conflict, Forbidden, LimitExceeded, NotFound
from altus.common.ids import new_id
from altus.common.units import MIB
from altus.manager.store.resources import SNAPSHOT, VM, VOLUME
from altus.manager.tasks.snapshot_parts import former
from altus.model.actor import Actor, Right
from altus.model.permission import Permission
from altus.model.query import ListQuery
from altus.model.snapshot import MAX_SNAPSHOTS, SnapshotState, tree
from altus.model.vm import VmState
from altus.model.vm_action import VmAction
from altus.wire import resources as shapes
from altus.wire import vms as vm_shapes
from altus.wire.snapshots import SnapshotCreate
from tests.unit.manager.changes.site import ADMIN, SMALL, Site
from tests.unit.manager.changes.snapshots import new_snapshot, snapshots_of, taken, with_snapshots
from tests.unit.manager.changes.volumes import local_vm


async def refused(call: Awaitable[object], kind: type[AltusError], code: str) -> AltusError:
    with pytest.raises(kind) as caught:
        await call
    assert caught.value.code == code
    return caught.value


async def test_each_stands_on_the_one_before_and_the_vm_on_the_last(site: Site) -> None:
    async with site.running():
        vm, (first, second, third) = await with_snapshots(site, 3)
    assert [first.parent_id, second.parent_id, third.parent_id] == [None, first.id, second.id]
    assert vm.snapshot_id == third.id
    assert [disk.volume_id for disk in first.disks] == [disk.volume_id for disk in vm.hardware.disks]
    assert [depth for depth, _ in tree(list((await taken(site, vm.id)).values()))] == [0, 1, 2]


async def test_going_back_and_on_makes_a_branch(site: Site) -> None:
    async with site.running():
        vm, (first, second) = await with_snapshots(site, 2)
        await site.done(snapshots_of(site).revert(ADMIN, vm.id, first.name))
        back = await site.vm(vm.id)
        assert (back.snapshot_id, back.hardware.memory, vm.hardware.memory) == (first.id, SMALL, 2 * SMALL)
        branch = await new_snapshot(site, vm.id)
        assert branch.parent_id == first.id
        await site.done(snapshots_of(site).delete(ADMIN, vm.id, first.id))
    left = await taken(site, vm.id)
    assert {one.id: one.parent_id for one in left.values()} == {second.id: None, branch.id: None}
    await site.require_healthy()


async def test_a_disk_that_grew_is_as_large_as_before_after_going_back(site: Site) -> None:
    async with site.running():
        vm, (first,) = await with_snapshots(site, 1)
        disk = vm.hardware.disks[1].volume_id
        await site.done(site.volumes.resize(ADMIN, disk, shapes.VolumeResize(size=4 * MIB)))
        await site.done(snapshots_of(site).revert(ADMIN, vm.id, first.id))
    assert (await site.db.read(lambda tx: VOLUME.get(tx, disk))).size == 2 * MIB
    await site.require_healthy()


async def test_a_running_vm_runs_again_after_going_back_and_its_plan_says_so(site: Site) -> None:
    async with site.running():
        vm, (first,) = await with_snapshots(site, 1)
        await site.done(site.power.simple(ADMIN, vm.id, VmAction.START))
        plan = await site.changes().plan(ADMIN, await snapshots_of(site).revert(ADMIN, vm.id, first.id))
        assert "starts again" in plan.details["guest"]
        assert plan.details["hardware"] == ["memory 256 MiB becomes 128 MiB"]
        await site.done(snapshots_of(site).revert(ADMIN, vm.id, first.id))
    assert (await site.vm(vm.id)).state is VmState.RUNNING
    await site.require_healthy()


async def test_a_disk_attached_later_stays_as_it_is(site: Site) -> None:
    async with site.running():
        vm, (first,) = await with_snapshots(site, 1)
        volume = await site.new_volume()
        await site.done(site.vms.edit(ADMIN, vm.id, vm_shapes.VmEdit(attach_volumes=[volume])))
        await new_snapshot(site, vm.id)
        await refused(site.submit(site.vms.edit(ADMIN, vm.id, vm_shapes.VmEdit(detach_volumes=[volume]))), Conflict,
                      "volume.has_snapshots")  # fmt: skip
        plan = await site.changes().plan(ADMIN, await snapshots_of(site).revert(ADMIN, vm.id, first.id))
        assert plan.details["disks that stay as they are"] == [volume]
        await site.done(snapshots_of(site).revert(ADMIN, vm.id, first.id))
    assert volume in {disk.volume_id for disk in (await site.vm(vm.id)).hardware.disks}
    await site.require_healthy()


async def test_while_the_vm_runs_snapshots_are_taken_and_not_deleted(site: Site) -> None:
    async with site.running():
        vm, (first,) = await with_snapshots(site, 1)
        await site.done(site.power.simple(ADMIN, vm.id, VmAction.START))
        late = await new_snapshot(site, vm.id)
        assert late.parent_id == first.id
        deletion = snapshots_of(site).delete(ADMIN, vm.id, first.id)
        error = await refused(site.submit(deletion), Conflict, "vm.state")
        assert error.hint == "Stop it first."
    await site.require_healthy()


async def test_of_a_suspended_vm_none_is_taken(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm(start=True)
        await site.done(site.power.simple(ADMIN, vm.id, VmAction.SUSPEND))
        body = SnapshotCreate(name="late")
        await refused(site.submit(snapshots_of(site).create(ADMIN, vm.id, body)), Conflict, "vm.state")


async def test_who_asks_for_whole_file_systems_gets_them_or_no_snapshot(site: Site) -> None:
    asked = SnapshotCreate(name="whole", quiesce=True)
    async with site.running(watch=True):
        vm = await site.new_vm(start=True)
        await site.done(site.power.simple(ADMIN, vm.id, VmAction.PAUSE))
        await refused(site.submit(snapshots_of(site).create(ADMIN, vm.id, asked)), Conflict, "snapshot.not_quiesced")
        await site.done(site.power.simple(ADMIN, vm.id, VmAction.RESUME))
        async with asyncio.timeout(20):
            while (await site.vm(vm.id)).guest is None:
                await asyncio.sleep(0.02)
        await site.done(snapshots_of(site).create(ADMIN, vm.id, asked))
        await site.settled()


async def test_disks_with_snapshots_are_not_kept_when_their_vm_goes(site: Site) -> None:
    async with site.running():
        vm, _ = await with_snapshots(site, 1)
        keep = vm_shapes.VmDelete(keep_volumes=True)
        await refused(site.submit(site.vms.delete(ADMIN, vm.id, keep)), Conflict, "volume.has_snapshots")
        await site.done(site.vms.delete(ADMIN, vm.id, vm_shapes.VmDelete()))
    assert await taken(site, vm.id) == {}
    await site.require_healthy()


async def test_names_are_unique_among_the_vms_own_and_their_number_is_limited(site: Site) -> None:
    async with site.running():
        one, other = await site.new_vm(), await site.new_vm()
        for vm in (one, other):
            await site.done(snapshots_of(site).create(ADMIN, vm.id, SnapshotCreate(name="first")))
        again = snapshots_of(site).create(ADMIN, one.id, SnapshotCreate(name="first"))
        await refused(site.submit(again), Conflict, "snapshot.name_taken")
        await refused(snapshots_of(site).get(ADMIN, one.id, "second"), NotFound, "snapshot.not_found")
        foreign = next(iter(await taken(site, other.id)))
        await refused(snapshots_of(site).get(ADMIN, one.id, foreign), NotFound, "snapshot.not_found")
        for _ in range(MAX_SNAPSHOTS - 1):
            await new_snapshot(site, one.id)
        await refused(site.submit(snapshots_of(site).create(ADMIN, one.id, SnapshotCreate(name="more"))),
                      LimitExceeded, "snapshot.too_many")  # fmt: skip


async def test_a_vm_with_snapshots_is_cloned_without_them(site: Site) -> None:
    async with site.running():
        vm, _ = await with_snapshots(site, 2)
        for linked in (True, False):
            body = vm_shapes.VmClone(name=f"clone-{new_id()[-12:]}", linked=linked)
            clone = (await site.done(site.vms.clone(ADMIN, vm.id, body))).object_id
            assert (await site.vm(clone)).snapshot_id is None
            assert await taken(site, clone) == {}
            await new_snapshot(site, clone)
        for one in list(await taken(site, vm.id)):
            await site.done(snapshots_of(site).delete(ADMIN, vm.id, one))
    await site.require_healthy()


async def test_a_vm_on_shared_storage_moves_with_its_snapshots(pair: Site) -> None:
    async with pair.running():
        vm, (first,) = await with_snapshots(pair, 1)
        await pair.done(pair.power.simple(ADMIN, vm.id, VmAction.START))
        await pair.done(pair.power.migrate(ADMIN, vm.id, vm_shapes.VmMigrate()))
        assert (await pair.vm(vm.id)).host_id != vm.host_id
        await pair.done(snapshots_of(pair).revert(ADMIN, vm.id, first.id))
        await pair.done(pair.power.simple(ADMIN, vm.id, VmAction.KILL))
        await pair.done(snapshots_of(pair).delete(ADMIN, vm.id, first.id))
    await pair.require_healthy()


async def test_a_vm_with_snapshots_where_only_its_host_reaches_is_not_moved(pair: Site) -> None:
    async with pair.running():
        vm = await local_vm(pair)
        taken_ = await new_snapshot(pair, vm.id)
        await refused(pair.submit(pair.power.migrate(ADMIN, vm.id, vm_shapes.VmMigrate())), Conflict,
                      "vm.snapshots_local")  # fmt: skip
        await pair.done(pair.power.simple(ADMIN, vm.id, VmAction.KILL))
        await pair.done(snapshots_of(pair).delete(ADMIN, vm.id, taken_.id))
        await pair.done(pair.power.simple(ADMIN, vm.id, VmAction.START))
        await pair.done(pair.power.migrate(ADMIN, vm.id, vm_shapes.VmMigrate()))
    await pair.require_healthy()


async def test_who_may_not_sees_none_and_takes_none(site: Site) -> None:
    async with site.running():
        vm, _ = await with_snapshots(site, 1)
    stranger = Actor(account_id=new_id(), name="x")
    await refused(snapshots_of(site).page(stranger, vm.id, ListQuery()), NotFound, "vm.not_found")
    reads = frozenset({Permission.VM_READ, Permission.SNAPSHOT_READ})
    reader = Actor(account_id=new_id(), name="x", rights=(Right(reads),))
    _, page = await snapshots_of(site).page(reader, vm.id, ListQuery())
    assert len(page.items) == 1
    with pytest.raises(Forbidden):
        await snapshots_of(site).delete(reader, vm.id, page.items[0].id)


@pytest.mark.parametrize("damage", ["snapshot.missing", "snapshot.parent", "snapshot.volume", "snapshot.orphan"])
async def test_the_doctor_finds_chains_that_are_not_as_they_should_be(site: Site, damage: str) -> None:
    async with site.running():
        vm, (first, second, third) = await with_snapshots(site, 3)
    disk = vm.hardware.disks[0].volume_id
    layers = site.agents.hosts[site.host_id].storages[vm.storage_id].layers
    if damage == "snapshot.missing":
        await layers.thaw(disk, third.id)
    elif damage == "snapshot.parent":
        await site.db.write(lambda tx: SNAPSHOT.change(tx, third.id, parent_id=first.id))
    elif damage == "snapshot.volume":
        await site.db.write(lambda tx: VM.change(tx, vm.id, snapshot_id=second.id))
    else:
        await layers.freeze(disk, new_id(), third.id)
    assert damage in {finding.kind for finding in await site.findings()}
    async with site.running():
        if damage != "snapshot.orphan":
            body = SnapshotCreate(name="fourth")
            await refused(site.submit(snapshots_of(site).create(ADMIN, vm.id, body)), Conflict, "snapshot.chain")
        else:  # it only takes room
            await new_snapshot(site, vm.id)


async def test_what_a_revert_left_goes_with_the_next_deletion(site: Site) -> None:
    async with site.running():
        vm, (first, second) = await with_snapshots(site, 2)
        layers = site.agents.hosts[site.host_id].storages[vm.storage_id].layers
        await layers.freeze(vm.hardware.disks[0].volume_id, former(vm.id), second.id)
        assert [finding.kind for finding in await site.findings()] == ["snapshot.orphan"]
        await site.done(snapshots_of(site).delete(ADMIN, vm.id, first.id))
    await site.require_healthy()


async def test_one_that_could_not_be_made_can_be_deleted(site: Site) -> None:
    async with site.running():
        vm, (first, second) = await with_snapshots(site, 2)
        await site.db.write(lambda tx: SNAPSHOT.change(tx, second.id, state=SnapshotState.FAILED))
        assert [finding.kind for finding in await site.findings()] == ["snapshot.unfinished"]
        await refused(site.submit(snapshots_of(site).revert(ADMIN, vm.id, second.id)), Conflict, "snapshot.not_ready")
        await site.done(snapshots_of(site).delete(ADMIN, vm.id, second.id))
    assert list(await taken(site, vm.id)) == [first.id]
    await site.require_healthy()


@pytest.mark.parametrize("seed", range(2))
async def test_a_hundred_random_changes_leave_storage_and_database_in_agreement(site: Site, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  chooses what is tried
    service = snapshots_of(site)
    async with site.running():
        vm = await site.new_vm()
        for _ in range(100):
            there = sorted(await taken(site, vm.id))
            what = chance.choice(["create", "create", "revert", "delete"])
            if what == "create" and len(there) < 10:
                await new_snapshot(site, vm.id)
            elif what == "revert" and there:
                await site.done(service.revert(ADMIN, vm.id, chance.choice(there)))
            elif what == "delete" and there:
                await site.done(service.delete(ADMIN, vm.id, chance.choice(there)))
            await site.require_healthy()
