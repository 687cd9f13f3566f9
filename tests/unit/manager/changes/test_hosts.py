"""What becomes of VMs, disks and tasks when their host is worked on, or dies."""

from __future__ import annotations

import pytest

from altus.common.errors import Conflict
from altus.common.ids import new_id
from altus.common.units import MIB
from altus.manager.store import certificates, ports
from altus.manager.store.certificates import Issued
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, IMAGE, STORAGE, VM, VOLUME
from altus.manager.tasks.host_tasks import whole_loss
from altus.model.host import Host, HostState
from altus.model.host_action import HostAction
from altus.model.image import Image
from altus.model.storage import Storage
from altus.model.task import TaskState
from altus.model.vm import Vm, VmDisk, VmHardware, VmState
from altus.model.vm_action import VmAction
from altus.model.volume import Volume, VolumeState
from altus.wire import vms as vm_shapes
from tests.unit.manager.changes.site import ADMIN, Site


async def _die(site: Site, host_id: str) -> None:
    site.agents.disconnect(host_id)
    await site.db.write(lambda tx: HOST.change(tx, host_id, state=HostState.UNREACHABLE))


async def test_maintenance_waits_for_what_was_under_way(site: Site) -> None:
    """A VM that is being started when maintenance is asked for runs in the end: then maintenance is refused."""
    async with site.running():
        vm = await site.new_vm()
    start = await site.submit(site.power.simple(ADMIN, vm.id, VmAction.START))
    maintain = await site.submit(site.inventory.change_host(ADMIN, site.host_id, HostAction.MAINTAIN))
    async with site.running():
        ends = [await site.ended(task) for task in (start, maintain)]
    host = await site.db.read(lambda tx: HOST.get(tx, site.host_id))
    if ends[0].state is TaskState.SUCCEEDED:
        assert (ends[1].error or {})["code"] == "host.in_use"
        assert (host.state, host.maintenance) == (HostState.UP, False)
    else:
        assert (ends[0].error or {})["code"] == "host.maintenance"
        assert host.state is HostState.MAINTENANCE


async def test_vm_that_virsh_started_keeps_its_host_out_of_maintenance(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm()
        await site.agents.hosts[site.host_id].hypervisor.start(vm.id)
        task = await site.submit(site.inventory.change_host(ADMIN, site.host_id, HostAction.MAINTAIN))
        ended = await site.ended(task)
    assert (ended.error or {})["code"] == "host.in_use"
    assert vm.name in (ended.error or {})["message"]
    assert not (await site.db.read(lambda tx: HOST.get(tx, site.host_id))).maintenance


async def test_forgotten_host_takes_along_what_only_it_reached(site: Site) -> None:
    kept, shared = Volume(id=new_id(), name="kept", storage_id="shared", size=MIB, state=VolumeState.READY), "shared"
    host = Host(id=new_id(), name="dead", state=HostState.UNREACHABLE)
    local = Storage(id=new_id(), name="dead-local", host_id=host.id)
    lost = Volume(id=new_id(), name="lost", storage_id=local.id, size=MIB, state=VolumeState.READY)
    image = Image(id=new_id(), name="lost-image", storage_id=local.id)

    def vm(called: str, *volumes: Volume) -> Vm:
        disks = tuple(VmDisk(volume_id=volume.id) for volume in volumes)
        return Vm(id=new_id(), name=called, host_id=host.id, state=VmState.UNKNOWN, hardware=VmHardware(disks=disks))

    mixed, stranded = vm("mixed", lost, kept), vm("stranded")

    def furnish(tx: Tx) -> None:
        HOST.insert(tx, host)
        STORAGE.insert(tx, local)
        STORAGE.insert(tx, Storage(id=shared, name=shared))
        for volume in (lost, kept):
            VOLUME.insert(tx, Volume(**{**vars(volume), "vm_id": mixed.id}))
        IMAGE.insert(tx, image)
        for one in (mixed, stranded):
            VM.insert(tx, one)
        certificates.insert(tx, Issued(serial=77, host_id=host.id, key_hash="k", renew_at=0, expires_at=tx.now() + 60))

    await site.db.write(furnish)
    plan = await site.changes().plan(ADMIN, await site.inventory.change_host(ADMIN, host.id, HostAction.FORGET))
    assert plan.details == {
        "lost VMs": ["mixed"], "VMs that fail, whose disks stay": ["stranded"], "lost volumes": ["lost"],
        "lost images": ["lost-image"], "lost storages": ["dead-local"],
    }  # fmt: skip
    async with site.running():
        await site.done(site.inventory.change_host(ADMIN, host.id, HostAction.FORGET))

    def look(tx: Tx) -> None:
        gone = ((VM, mixed.id), (VOLUME, lost.id), (IMAGE, image.id), (STORAGE, local.id), (HOST, host.id))
        assert [noun.peek(tx, one) for noun, one in gone] == [None] * 5
        assert VOLUME.get(tx, kept.id).vm_id is None
        found = VM.get(tx, stranded.id)
        assert (found.state, found.host_id) == (VmState.FAILED, None)
        assert certificates.revoked(tx) == {77: host.id}

    await site.db.read(look)


async def test_disks_of_a_vm_that_failed_with_its_host_go_with_it_by_another_host(pair: Site) -> None:
    async with pair.running():
        vm = await pair.new_vm(start=True)
        await _die(pair, vm.host_id or "")
        await pair.done(pair.inventory.change_host(ADMIN, vm.host_id or "", HostAction.FORGET))
        assert (await pair.vm(vm.id)).state is VmState.FAILED
        await pair.done(pair.vms.delete(ADMIN, vm.id, vm_shapes.VmDelete()))
        assert await pair.findings() == []


async def test_tasks_that_wait_for_a_dead_host_do_not_hold_it(site: Site) -> None:
    async with site.running():
        host = await site.add_host()
        storage = site.agents.hosts[host].local
        vm = await site.new_vm(image=None, storage=storage, start=True)
        await _die(site, host)
        stuck = await site.submit_unchecked(site.power.simple(ADMIN, vm.id, VmAction.PAUSE))
        await site.done(site.inventory.change_host(ADMIN, host, HostAction.FORGET))
        site.agents.hosts.pop(host)
        assert (await site.ended(stuck)).state is TaskState.FAILED
    assert await site.db.read(lambda tx: (VM.peek(tx, vm.id), ports.all_ids(tx))) == (None, {})
    await site.require_healthy()


async def test_host_that_answers_is_not_forgotten(site: Site) -> None:
    with pytest.raises(Conflict) as caught:
        await site.submit(site.inventory.change_host(ADMIN, site.host_id, HostAction.FORGET))
    assert caught.value.code == "host.state"
    assert (await site.db.read(lambda tx: whole_loss(tx, site.host_id))).storages
