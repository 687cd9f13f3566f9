"""Copies of a disk which a migration has left go if nobody can need them, and stay otherwise."""

from __future__ import annotations

import dataclasses

import pytest

from altus.common.errors import Conflict
from altus.common.ids import new_id
from altus.drivers.hypervisor.base import VmAttachments
from altus.manager.store.resources import VM
from altus.manager.tasks.vm_parts import definition
from altus.model.domain import DomainDisk, DomainFacts
from altus.model.task import TaskState
from altus.model.vm import VmState
from tests.unit.manager.changes.site import Site
from tests.unit.manager.changes.volumes import LeftCopy, left_copy


async def _stays(site: Site, left: LeftCopy, why: str) -> None:
    task = await site.ended(await site.submit(left.repair()))
    assert task.state is TaskState.FAILED
    assert task.error is not None
    assert (task.error["code"], why in task.error["message"]) == ("volume.copy_uncertain", True), task.error
    assert await left.is_there()


async def test_a_copy_that_nobody_uses_goes_and_the_disk_stays(pair: Site) -> None:
    async with pair.running():
        left = await left_copy(pair)
        await pair.done(left.repair())
        assert not await left.is_there()
    await pair.require_healthy()


async def test_a_copy_that_a_domain_of_others_uses_stays(pair: Site) -> None:
    async with pair.running():
        left = await left_copy(pair)
        disk = DomainDisk(path=left.storage.volume_source(left.volume.id).path, bus="virtio")
        left.there.hypervisor.others.define(
            DomainFacts(id=new_id(), name="rescue", state=VmState.STOPPED, ours=False, persistent=True, vcpus=1,
                        memory=1 << 26, disks=(disk,))
        )  # fmt: skip
        await _stays(pair, left, "domain rescue uses it")


async def test_a_copy_on_a_host_that_knows_the_vm_stays(pair: Site) -> None:
    """As after a database was restored from before a move."""
    async with pair.running():
        left = await left_copy(pair)
        alone = dataclasses.replace(left.vm, hardware=dataclasses.replace(left.vm.hardware, disks=(), nics=()))
        await left.there.hypervisor.define(definition(alone), VmAttachments(disks=(), nics=()))
        await _stays(pair, left, "is known on the host of the copy, too")


async def test_a_copy_stays_where_the_disk_itself_is_not(pair: Site) -> None:
    async with pair.running():
        left = await left_copy(pair)
        own = pair.agents.hosts[left.vm.host_id or ""].storages[left.volume.storage_id]
        await own.delete_volume(left.volume.id)
        await _stays(pair, left, "does not have it where the database says")


async def test_a_copy_stays_when_its_vm_is_not_known_on_its_host(pair: Site) -> None:
    async with pair.running():
        left = await left_copy(pair, start=False)
        pair.agents.hosts[left.vm.host_id or ""].hypervisor.others.undefine(left.vm.id)
        await _stays(pair, left, "does not have it where the database says")


async def test_a_copy_on_a_host_that_does_not_answer_is_not_looked_for(pair: Site) -> None:
    async with pair.running():
        left = await left_copy(pair)
        left.there.disconnect()
        await _stays(pair, left, "none is found")


async def test_a_copy_stays_while_its_vm_is_on_its_way(pair: Site) -> None:
    async with pair.running():
        left = await left_copy(pair)
        await pair.db.write(lambda tx: VM.change(tx, left.vm.id, other_host_id=left.there.id))
        with pytest.raises(Conflict, match="it is not a settled disk"):
            await pair.submit(left.repair())
