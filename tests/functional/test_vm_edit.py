"""Changing VMs that have real guests: now, or at the next start, and copies of them."""

from __future__ import annotations

import hashlib
import subprocess

import pytest

from altus.common.errors import AltusError, Conflict
from altus.common.units import MIB
from altus.manager.tasks.vm_edit import VM_EDIT
from altus.model.label import Label
from altus.model.vm import MAX_NICS, VmState
from altus.wire.resources import NetworkCreate
from altus.wire.vms import NicCreate, VmClone, VmEdit, VmRestart, VmView
from testbed.administrator import NETWORK, Administrator, fresh

pytestmark = pytest.mark.functional


async def _edit(admin: Administrator, vm: VmView, **fields: object) -> VmView:
    await admin.altus.vms.edit(vm.id, VmEdit.model_validate(fields)).run()
    return await admin.altus.vms.get(vm.id)


def _content(admin: Administrator, vm: VmView) -> str:
    """The hash of all that is on the VM's first disk."""
    disk = admin.system.storage / "volumes" / f"{vm.disks[0].volume_id}.qcow2"
    raw = admin.system.folder / f"{vm.id}.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", str(disk), str(raw)], check=True)
    with raw.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    raw.unlink()
    return found


async def test_words_change_at_once_and_need_no_restart(admin: Administrator) -> None:
    vm = await admin.guest()
    edited = await _edit(admin, vm, description="serves nothing", tags=["a", "b", "a"])
    assert (edited.description, edited.tags, edited.restart_pending) == ("serves nothing", ["a", "b"], False)
    assert edited.state is VmState.RUNNING
    assert edited.revision > vm.revision


async def test_a_new_name_frees_the_old_one_and_is_refused_if_taken(admin: Administrator) -> None:
    first, second = await admin.vm(networks=()), await admin.vm(networks=())
    with pytest.raises(Conflict) as caught:
        await _edit(admin, second, name=first.name)
    assert caught.value.code == "vm.name_taken"
    renamed = await _edit(admin, first, name=fresh("renamed"))
    assert renamed.id == first.id
    assert renamed.name in admin.system.virsh("list", "--all", "--title")
    assert (await _edit(admin, second, name=first.name)).name == first.name


async def test_a_running_guest_gets_devices_at_once_and_other_hardware_at_its_restart(admin: Administrator) -> None:
    vm = await admin.vm(start=True)
    await admin.answers(vm.id)
    volume = await admin.volume()
    edited = await _edit(admin, vm, vcpus=2, memory=192 * MIB, attach_volumes=[volume.name],
                         add_nics=[{"network": NETWORK}])  # fmt: skip
    assert edited.restart_pending
    assert (edited.vcpus, edited.memory, len(edited.disks), len(edited.nics)) == (2, 192 * MIB, 2, 2)
    assert await admin.run(vm.id, "grep -c ^processor /proc/cpuinfo") == "1"
    await admin.answers(vm.id, addresses=2)
    await admin.altus.vms.restart(vm.id, VmRestart(force=True)).run()
    restarted = await admin.answers(vm.id, addresses=2)
    assert not restarted.restart_pending
    assert sorted(restarted.addresses) == sorted(nic.address for nic in edited.nics)
    assert await admin.run(vm.id, "grep -c ^processor /proc/cpuinfo") == "2"
    assert int(await admin.run(vm.id, "awk '/MemTotal/ {print $2}' /proc/meminfo")) > 130 * 1024
    assert await admin.run(vm.id, "cat /sys/block/vdb/size") == str(volume.size // 512)
    assert (await admin.altus.volumes.get(volume.id)).vm_id == vm.id


async def test_a_stopped_vm_changes_at_once_and_gives_devices_back(admin: Administrator) -> None:
    vm, volume = await admin.vm(networks=[NETWORK, NETWORK]), await admin.volume()
    edited = await _edit(admin, vm, attach_volumes=[volume.id], remove_nics=[vm.nics[1].id], memory=96 * MIB)
    assert not edited.restart_pending
    assert [nic.id for nic in edited.nics] == [vm.nics[0].id]
    assert "<memory unit='KiB'>98304</memory>" in admin.system.virsh("dumpxml", vm.id)
    detached = await _edit(admin, vm, detach_volumes=[volume.id])
    assert len(detached.disks) == 1
    assert (await admin.altus.volumes.get(volume.id)).vm_id is None
    freed = vm.nics[1].address
    assert (await admin.vm()).nics[0].address == freed, "the removed NIC's address is free again"


async def test_what_does_not_fit_is_refused_and_nothing_changes(admin: Administrator) -> None:
    vm, other, volume = await admin.vm(), await admin.vm(networks=()), await admin.volume()
    await _edit(admin, other, attach_volumes=[volume.id])
    secret = fresh("secret")
    await admin.altus.networks.create(NetworkCreate(name=secret, cidr="10.99.0.0/24", label=Label.SECRET)).run()
    refused: list[tuple[dict[str, object], str]] = [
        ({"attach_volumes": [volume.id]}, "volume.attached"),
        ({"detach_volumes": [volume.id]}, "vm.no_such_device"),
        ({"remove_nics": ["no-such-nic"]}, "vm.no_such_device"),
        ({"add_nics": [{"network": NETWORK}] * MAX_NICS}, "vm.too_many_devices"),
        ({"add_nics": [{"network": secret}]}, "label.mismatch"),
    ]
    for fields, code in refused:
        with pytest.raises(AltusError) as caught:
            await _edit(admin, vm, **fields)
        assert caught.value.code == code, fields
        assert caught.value.hint, fields
    assert (await admin.altus.vms.get(vm.id)).model_dump(exclude={"updated_at"}) == vm.model_dump(
        exclude={"updated_at"}
    )


async def test_a_vm_is_not_made_on_a_network_of_another_label(admin: Administrator) -> None:
    secret = fresh("secret")
    await admin.altus.networks.create(NetworkCreate(name=secret, cidr="10.98.0.0/24", label=Label.SECRET)).run()
    with pytest.raises(Conflict) as caught:
        await admin.vm(networks=[secret])
    assert caught.value.code == "label.mismatch"


async def test_a_suspended_vm_keeps_the_hardware_its_memory_fits(admin: Administrator) -> None:
    vm = await admin.vm(start=True, networks=())
    await admin.altus.vms.suspend(vm.id).run()
    with pytest.raises(Conflict) as caught:
        await _edit(admin, vm, vcpus=2)
    assert caught.value.code == "vm.suspended"
    assert (await _edit(admin, vm, description="words do")).description == "words do"


@pytest.mark.parametrize("linked", [True, False], ids=["linked", "full"])
async def test_a_clone_has_the_data_and_an_identity_of_its_own(admin: Administrator, linked: bool) -> None:
    source = await admin.vm(start=True)
    await admin.answers(source.id)
    await admin.run(source.id, "echo original > /disk/note && sync")
    await admin.altus.vms.stop(source.id).run()
    original = _content(admin, source)
    name = fresh("clone")
    await admin.altus.vms.clone(source.id, VmClone(name=name, linked=linked, start=True)).run()
    clone = await admin.answers(name)
    assert clone.nics[0].mac != source.nics[0].mac
    assert clone.addresses != [source.nics[0].address]
    assert clone.guest is not None
    assert clone.guest.hostname == name
    assert await admin.run(clone.id, "cat /disk/note; echo changed > /disk/note; sync") == "original"
    volume = await admin.altus.volumes.get(clone.disks[0].volume_id)
    assert volume.base is not None
    assert (volume.base.id, volume.base.linked) == (source.disks[0].volume_id, linked)
    assert _content(admin, source) == original


async def test_the_source_of_a_linked_clone_may_go_before_it(admin: Administrator) -> None:
    source = await admin.vm(networks=())
    name = fresh("clone")
    await admin.altus.vms.clone(source.id, VmClone(name=name, linked=True)).run()
    await admin.altus.vms.delete(source.id).run()
    await admin.healthy()
    await admin.altus.vms.start(name).run()
    assert (await admin.altus.vms.get(name)).state is VmState.RUNNING


async def test_a_running_vm_is_not_cloned(admin: Administrator) -> None:
    vm = await admin.guest()
    with pytest.raises(Conflict) as caught:
        await admin.altus.vms.clone(vm.id, VmClone(name=fresh("clone")))
    assert caught.value.code == "vm.state"


async def test_a_plan_tells_what_would_be_done_and_does_nothing(admin: Administrator) -> None:
    vm = await admin.vm(networks=())
    plan = await admin.altus.vms.edit(vm.id, VmEdit(vcpus=2, add_nics=[NicCreate(network=NETWORK)])).plan()
    assert [step.name for step in plan.steps] == [step.name for step in VM_EDIT.steps]
    after = await admin.altus.vms.get(vm.id)
    assert (after.vcpus, after.nics, after.revision) == (1, [], vm.revision)
