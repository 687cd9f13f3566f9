"""Snapshots of a real guest's disks: what it wrote before each is there again, in whichever order others go."""

from __future__ import annotations

import subprocess

import pytest

from altus.common.errors import Conflict
from altus.common.units import format_size
from altus.model.vm import VmState
from altus.wire.snapshots import SnapshotCreate
from altus.wire.vms import VmEdit, VmStop, VmView
from testbed.administrator import MEMORY, Administrator

pytestmark = pytest.mark.functional
_NOTE = "/disk/note"


async def _stop(admin: Administrator, vm: VmView) -> None:
    await admin.altus.vms.stop(vm.id, VmStop()).run()
    await admin.in_state(vm.id, VmState.STOPPED)


async def _boot(admin: Administrator, vm: VmView) -> str:
    """What the guest finds in its note."""
    if (await admin.altus.vms.get(vm.id)).state is VmState.STOPPED:
        await admin.altus.vms.start(vm.id).run()
    await admin.answers(vm.id)
    return await admin.run(vm.id, f"cat {_NOTE}")


async def _writes(admin: Administrator, vm: VmView, text: str) -> None:
    """The guest writes and is switched off."""
    await admin.run(vm.id, f"echo {text} > {_NOTE} && head -c 3000000 /dev/urandom > /disk/{text} && sync")
    await _stop(admin, vm)


async def _take(admin: Administrator, vm: VmView, name: str) -> None:
    await admin.altus.snapshots.create(vm.id, SnapshotCreate(name=name)).run()


async def _delete(admin: Administrator, vm: VmView, *names: str) -> None:
    for name in names:
        await admin.altus.snapshots.delete(vm.id, name).run()


async def _current(admin: Administrator, vm: VmView) -> list[str]:
    return [one.name for one in (await admin.altus.snapshots.page(vm.id)).items if one.current]


async def test_a_guest_finds_what_it_wrote_whatever_is_deleted(admin: Administrator) -> None:
    vm = await admin.vm(networks=("lan",), start=True)
    await admin.answers(vm.id)
    for text in ("one", "two", "three"):
        await _writes(admin, vm, text)
        await _take(admin, vm, text)
        assert await _boot(admin, vm) == text
    with pytest.raises(Conflict) as refused:
        await admin.altus.snapshots.delete(vm.id, "two").run()
    assert refused.value.code == "vm.state"

    await admin.altus.snapshots.revert(vm.id, "one").run()  # it runs: off and on again
    assert await _boot(admin, vm) == "one"
    assert await admin.run(vm.id, "ls /disk/two /disk/three 2>/dev/null || true") == ""
    await _writes(admin, vm, "branch")
    await _take(admin, vm, "branch")
    await _delete(admin, vm, "one")  # two stand on it: it stays, hidden
    assert await _current(admin, vm) == ["branch"]
    await admin.healthy()

    await admin.altus.snapshots.revert(vm.id, "three").run()
    assert await _boot(admin, vm) == "three"
    await _stop(admin, vm)
    await _delete(admin, vm, "two", "branch")  # now one is left, and all is merged
    assert await _boot(admin, vm) == "three"
    assert await admin.run(vm.id, "ls /disk/one /disk/two /disk/three | wc -l") == "3"
    await _stop(admin, vm)
    await _delete(admin, vm, "three")
    await admin.healthy()
    layers = [file for file in admin.system.files() if vm.disks[0].volume_id in file and "layers" in file]
    assert layers == []
    disk = admin.system.storage / "volumes" / f"{vm.disks[0].volume_id}.qcow2"
    subprocess.run(["qemu-img", "check", "-q", str(disk)], check=True)  # noqa: ASYNC221
    assert await _boot(admin, vm) == "three"


async def test_going_back_brings_the_memory_back_that_the_vm_had(admin: Administrator) -> None:
    vm = await admin.vm()
    await _take(admin, vm, "small")
    await admin.altus.vms.edit(vm.id, VmEdit(memory=2 * MEMORY)).run()
    plan = await admin.altus.snapshots.revert(vm.id, "small").plan()
    assert plan.details["hardware"] == [f"memory {format_size(2 * MEMORY)} becomes {format_size(MEMORY)}"]
    await admin.altus.snapshots.revert(vm.id, "small").run()
    assert (await admin.altus.vms.get(vm.id)).memory == MEMORY
    assert f"<memory unit='KiB'>{MEMORY // 1024}</memory>" in admin.system.virsh("dumpxml", "--inactive", vm.id)


async def test_a_layer_that_somebody_removes_is_found_and_nothing_gets_worse(admin: Administrator) -> None:
    vm = await admin.vm()
    await _take(admin, vm, "first")
    await _take(admin, vm, "second")
    snapshot = await admin.altus.snapshots.get(vm.id, "first")
    (layer,) = (admin.system.storage / "layers").glob(f"{vm.disks[0].volume_id}.{snapshot.id}.qcow2")
    aside = layer.with_suffix(".aside")
    layer.rename(aside)
    kinds = {finding.kind for finding in (await admin.altus.system.doctor()).findings}
    assert "snapshot.missing" in kinds
    with pytest.raises(Conflict) as refused:
        await admin.altus.snapshots.delete(vm.id, "second").run()
    assert refused.value.code == "snapshot.chain"
    aside.rename(layer)
    await _delete(admin, vm, "first", "second")
    await admin.healthy()


async def test_a_guest_runs_on_while_a_snapshot_is_taken(admin: Administrator) -> None:
    vm = await admin.vm(start=True)
    await admin.answers(vm.id)
    await admin.run(vm.id, f"echo one > {_NOTE}")  # in the guest's memory only: whole file systems have it
    await admin.altus.snapshots.create(vm.id, SnapshotCreate(name="one", quiesce=True)).run()
    boot = await admin.run(vm.id, "cat /proc/sys/kernel/random/boot_id")
    await admin.run(vm.id, f"echo two > {_NOTE} && sync")
    await _take(admin, vm, "two")
    assert await admin.run(vm.id, "cat /proc/sys/kernel/random/boot_id") == boot
    await admin.healthy()

    await admin.altus.vms.suspend(vm.id).run()
    await admin.altus.vms.start(vm.id).run()  # goes on from its memory, on the disks it had
    assert await _boot(admin, vm) == "two"
    await admin.altus.snapshots.revert(vm.id, "one").run()
    assert await _boot(admin, vm) == "one"
    await _stop(admin, vm)
    await _delete(admin, vm, "one", "two")
    assert await _boot(admin, vm) == "one"
    await admin.healthy()
