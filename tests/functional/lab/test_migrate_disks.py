"""A running VM moves with disks that only its host reaches: its guest finds what it wrote, and whatever dies meanwhile
there is one guest with its disks, and no other copy of them."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from altus.common.errors import NotFound
from altus.common.units import MIB
from altus.model.host import HostState
from altus.model.image import BuiltinImage
from altus.model.migration import MigrationMode
from altus.model.task import TaskState
from altus.model.vm import VmState
from altus.sdk.client import AltusClient
from altus.wire.resources import ImageBuild
from altus.wire.tasks import TaskView
from altus.wire.vms import DiskCreate, NicCreate, VmCreate, VmMigrate, VmView
from testbed.patience import GUEST, until
from tests.functional.lab.mover import BOOT_ID, Mover
from tests.functional.lab.pool import HOSTS, PoolOfLab

pytestmark = [pytest.mark.functional, pytest.mark.timeout(900)]
_IMAGE = "local-tiny"
_WRITTEN = 16
"""MiB that the guest has written, which are copied in some seconds at the speed of tests."""
_SLOW = 6
"""MiB a second."""
_WRITE = f"dd if=/dev/urandom of=/dev/vdb bs=1M count={_WRITTEN} conv=fsync 2>/dev/null; md5sum /dev/vdb"
_READ = "echo 3 >/proc/sys/vm/drop_caches; md5sum /dev/vdb"
_numbers = itertools.count(1)


class CopiedMover(Mover):
    """A VM on host1's own storage; `sum` is of what its guest has written."""

    def __init__(self, pool: PoolOfLab, vm: VmView, written: str) -> None:
        super().__init__(pool, vm)
        self.sum = written

    async def begin(self, mode: MigrationMode = MigrationMode.AUTO) -> TaskView:
        """A migration in the midst of copying the disks."""
        body = VmMigrate(host="host2", mode=mode, bandwidth=_SLOW)
        task = await self.pool.altus.vms.migrate(self.vm.id, body)

        async def copies() -> bool:
            told = (await self.pool.altus.tasks.get(task.id)).waiting_for
            return "disks: " in told and " copied" in told and "disks: 0 B" not in told

        await until(copies, "disks are being copied", GUEST)
        return task

    def copies(self) -> list[str]:
        """On which hosts there are files of its disks; hosts without power are not asked."""
        names = [f"{disk.volume_id}.qcow2" for disk in self.vm.disks]
        found = []
        for host in (name for name in HOSTS if self.pool.lab.status()[name].power == "on"):
            listed = self.pool.lab.run(host, "ls", "/var/lib/altus/storage/volumes").stdout.split()
            found += [host for name in names if name in listed]
        return sorted(set(found))

    async def is_whole_on(self, host: str) -> VmView:
        """All agree that it is there with its disks, and its guest finds on them what it wrote."""
        vm = await self.agrees()
        assert (vm.state, self.running_on(), self.copies()) == (VmState.RUNNING, [host], [host])
        storage = (await self.pool.altus.storages.get(f"{host}-local")).id
        volumes = [await self.pool.altus.volumes.get(disk.volume_id) for disk in vm.disks]
        assert {vm.storage_id, *(volume.storage_id for volume in volumes)} == {storage}
        assert await self.within(host, _READ) == self.sum
        return vm


@pytest.fixture
async def copied(pool: PoolOfLab) -> CopiedMover:
    """A running VM on host1's own storage, whose guest has written something."""
    try:
        await pool.altus.images.get(_IMAGE)
    except NotFound:
        build = ImageBuild(image=BuiltinImage.TINY, name=_IMAGE, storage="host1-local")
        await pool.altus.images.build(build).run()
    network = await pool.network("10.64.0.0/24")
    body = VmCreate(name=f"copied{next(_numbers)}", image=_IMAGE, memory=128 * MIB, start=True,
                    disks=[DiskCreate(size=_WRITTEN * MIB)], nics=[NicCreate(network=network.name)])  # fmt: skip
    await pool.altus.vms.create(body).run()
    mover = CopiedMover(pool, await pool.answers(body.name), "")
    mover.sum = await mover.within("host1", _WRITE)
    return mover


async def test_the_guest_goes_on_with_what_it_wrote_and_starts_again_there(
    pool: PoolOfLab, copied: CopiedMover
) -> None:
    boot_id = await copied.within("host1", BOOT_ID)
    plan = await pool.altus.vms.migrate(copied.vm.id, VmMigrate(host="host2", storage="host2-local")).plan()
    assert all("is copied to host2-local" in disk for disk in plan.details["disks"])
    task = await pool.altus.vms.migrate(copied.vm.id, VmMigrate(host="host2")).run()
    facts: dict[str, Any] = next(step.result for step in task.trail if step.name == "transfer")
    assert facts["bytes_sent"] > _WRITTEN * MIB
    await copied.is_whole_on("host2")
    assert await copied.within("host2", BOOT_ID) == boot_id
    await pool.altus.vms.kill(copied.vm.id).run()
    await pool.altus.vms.start(copied.vm.id).run()
    await pool.answers(copied.vm.name)
    assert await copied.within("host2", _READ) == copied.sum


async def test_maintenance_copies_the_disks_and_says_how_much(pool: PoolOfLab, copied: CopiedMover) -> None:
    (told,) = (await pool.altus.hosts.maintain("host1").plan()).details["VMs that move"]
    assert told.startswith(f"{copied.vm.name} to host2, with ")
    assert told.endswith(" of disks to host2-local")
    await pool.altus.hosts.maintain("host1").run()
    await pool.altus.hosts.activate("host1").run()
    await copied.is_whole_on("host2")


async def test_a_cancelled_migration_leaves_the_disks_where_they_were(altus: AltusClient, copied: CopiedMover) -> None:
    task = await copied.begin()
    await altus.tasks.cancel(task.id)
    assert (await copied.end(task)).state is TaskState.CANCELLED
    await copied.is_whole_on("host1")


@pytest.mark.parametrize(("machine", "service"), [
    ("manager", "altus-manager"), ("host1", "altus-agent"), ("host2", "altus-agent"),
    ("host1", "libvirt"), ("host2", "libvirt"),
])  # fmt: skip
async def test_a_daemon_dies_while_disks_are_copied(pool: PoolOfLab, copied: CopiedMover, machine: str,
                                                    service: str) -> None:  # fmt: skip
    task = await copied.begin()
    pool.kill_service(machine, service)
    await asyncio.to_thread(pool.start_service, machine, service)
    done = await copied.end(task)
    await copied.is_whole_on("host2" if done.state is TaskState.SUCCEEDED else "host1")


@pytest.mark.parametrize("host", HOSTS)
async def test_a_host_loses_power_while_disks_are_copied(pool: PoolOfLab, copied: CopiedMover, host: str) -> None:
    task = await copied.begin()
    pool.lab.kill(host)
    await pool.host(host, HostState.UNREACHABLE)
    assert copied.running_on() == ([] if host == "host1" else ["host1"])
    await asyncio.to_thread(pool.lab.power_on, host)
    done = await copied.end(task)
    if host == "host2":
        await copied.is_whole_on("host2" if done.state is TaskState.SUCCEEDED else "host1")
        return
    vm = await copied.agrees()
    assert (done.state, copied.running_on(), copied.copies()) == (TaskState.FAILED, [], ["host1"])
    assert vm.state in (VmState.STOPPED, VmState.CRASHED)
    await pool.altus.vms.start(vm.id).run()
    await pool.answers(vm.name)
    await copied.is_whole_on("host1")


async def test_what_was_copied_survives_a_power_cut_of_the_target_at_once(pool: PoolOfLab, copied: CopiedMover) -> None:
    await pool.altus.vms.migrate(copied.vm.id, VmMigrate(host="host2")).run()
    pool.lab.kill("host2")
    await pool.host("host2", HostState.UNREACHABLE)
    assert copied.copies() == []
    await asyncio.to_thread(pool.lab.power_on, "host2")
    await pool.in_state(copied.vm.id, VmState.STOPPED, VmState.CRASHED)
    await pool.altus.vms.start(copied.vm.id).run()
    await pool.answers(copied.vm.name)
    await copied.is_whole_on("host2")


@pytest.mark.parametrize(("machine", "service"), [("manager", "altus-manager"), ("host2", "altus-agent")])
async def test_a_copy_that_is_left_goes_when_its_host_is_back(pool: PoolOfLab, copied: CopiedMover, machine: str,
                                                              service: str) -> None:  # fmt: skip
    """What a migration could not remove on a host that was forgotten, or refused; daemons die meanwhile."""
    pool.lab.cut("host2", "management")
    await pool.host("host2", HostState.UNREACHABLE)
    for disk in copied.vm.disks:
        path = f"/var/lib/altus/storage/volumes/{disk.volume_id}.qcow2"
        pool.lab.run("host2", "qemu-img", "create", "-q", "-f", "qcow2", path, str(_WRITTEN * MIB))
    assert copied.copies() == list(HOSTS)
    await asyncio.to_thread(pool.lab.heal, "host2")
    pool.kill_service(machine, service)
    await asyncio.to_thread(pool.start_service, machine, service)

    async def is_gone() -> bool:
        return copied.copies() == ["host1"]

    await until(is_gone, "the copies are removed", GUEST)
    await copied.is_whole_on("host1")


async def test_a_vm_without_disks_moves_to_another_hosts_storage(pool: PoolOfLab) -> None:
    body = VmCreate(name=f"copied{next(_numbers)}", storage="host1-local", memory=128 * MIB, start=True)
    await pool.altus.vms.create(body).run()
    mover = Mover(pool, await pool.altus.vms.get(body.name))
    await pool.altus.vms.migrate(mover.vm.id).run()
    assert mover.running_on() == mover.defined_on() == ["host2"]
    assert (await mover.agrees()).storage_id == (await pool.altus.storages.get("host2-local")).id
