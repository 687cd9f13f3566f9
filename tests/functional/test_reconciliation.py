"""What somebody does behind Altus' back is noticed by itself: repaired where that is certain, else told by an alarm."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from altus.common.errors import Conflict
from altus.common.ids import new_id
from altus.model.task import TaskState
from altus.model.vm import VmState
from altus.wire.alarms import AlarmView, UnmanagedView
from altus.wire.tasks import TaskView
from altus.wire.vms import NicEdit, NicLimitShape, VmAdopt
from testbed.administrator import NETWORK, Administrator
from testbed.patience import until
from testbed.strikes import MANAGER
from tests.functional.foreign import FOREIGN_MAC, foreign_domain

pytestmark = pytest.mark.functional


def _nbctl(*arguments: str) -> str:
    done = subprocess.run(["ovn-nbctl", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


async def _alarm(admin: Administrator, kind: str, object_id: str) -> AlarmView:
    async def look() -> AlarmView | None:
        found = (await admin.altus.alarms.page([f"object_id:{object_id}"])).items
        return next((alarm for alarm in found if alarm.kind == kind), None)

    return await until(look, f"alarm {kind}")


async def _no_alarm(admin: Administrator) -> None:
    async def look() -> bool:
        return not (await admin.altus.alarms.page()).items

    await until(look, "no alarm stands")


async def _repaired(admin: Administrator, vm: str) -> TaskView:
    """The repair that nobody asked for."""

    async def look() -> TaskView | None:
        tasks = (await admin.altus.tasks.page(["kind:vm.repair", f"object_id:{vm}"])).items
        return next((task for task in tasks if task.state.finished), None)

    return await until(look, f"VM {vm} is repaired")


async def test_a_port_that_was_removed_is_made_again_as_it_was(admin: Administrator) -> None:
    vm = await admin.vm()
    nic = vm.nics[0]
    before = _nbctl("--bare", "--columns=addresses,port_security", "find", "Logical_Switch_Port", f"name={nic.id}")
    assert nic.mac in before
    _nbctl("lsp-del", nic.id)
    task = await _repaired(admin, vm.id)
    assert (task.state, task.actor) == (TaskState.SUCCEEDED, "altus")
    after = _nbctl("--bare", "--columns=addresses,port_security", "find", "Logical_Switch_Port", f"name={nic.id}")
    assert after == before
    await _no_alarm(admin)
    await admin.healthy()


async def test_a_limit_that_was_removed_is_set_again(admin: Administrator) -> None:
    vm = await admin.vm()
    await admin.altus.vms.edit_nic(vm.id, vm.nics[0].id, NicEdit(limit_out=NicLimitShape(rate=5000))).run()
    limits = (
        "--bare",
        "--columns=bandwidth,direction,match",
        "find",
        "QoS",
        f'match="inport == \\"{vm.nics[0].id}\\""',
    )
    before = _nbctl(*limits)
    assert "rate=5000" in before
    _nbctl("qos-del", _nbctl("lsp-get-ls", vm.nics[0].id).split()[0])
    assert not _nbctl(*limits)
    await _repaired(admin, vm.id)
    assert _nbctl(*limits) == before
    await admin.healthy()


async def test_a_vm_that_was_undefined_is_defined_again_and_stays_off(admin: Administrator) -> None:
    vm = await admin.vm(networks=())
    admin.system.virsh("undefine", vm.id)
    assert (await _repaired(admin, vm.id)).state is TaskState.SUCCEEDED
    await admin.in_state(vm.id, VmState.STOPPED)
    assert f"<title>{vm.name}</title>" in admin.system.virsh("dumpxml", vm.id)
    await admin.altus.vms.start(vm.id).run()
    await admin.answers(vm.id, addresses=0)


async def test_a_running_vm_that_was_undefined_runs_on_and_is_defined_again(admin: Administrator) -> None:
    vm = await admin.vm(networks=(), start=True)
    pid = admin.system.qemu_pid(vm.id)
    admin.system.virsh("undefine", vm.id)
    assert (await _repaired(admin, vm.id)).state is TaskState.SUCCEEDED
    assert "yes" in admin.system.virsh("dominfo", vm.id).partition("Persistent:")[2].split("\n")[0]
    assert admin.system.qemu_pid(vm.id) == pid
    await _no_alarm(admin)


async def test_a_changed_definition_is_told_and_repaired_only_when_asked(admin: Administrator) -> None:
    vm = await admin.vm()
    admin.system.virsh("setmem", vm.id, "65536", "--config")
    admin.system.virsh("detach-interface", vm.id, "bridge", "--config")
    told = (await _alarm(admin, "vm.definition", vm.id)).message
    assert "64 MiB of memory instead of 128 MiB" in told
    assert f"without NIC {vm.nics[0].id}" in told
    plan = await admin.altus.vms.repair(vm.id).plan()
    assert len(plan.details["differences"]) == 2
    await admin.altus.vms.repair(vm.id).run()
    await _no_alarm(admin)
    await admin.healthy()


async def test_a_disk_that_is_gone_is_told_never_made_and_needed_for_the_start(admin: Administrator) -> None:
    vm = await admin.vm(networks=())
    disk = vm.disks[0].volume_id
    file, aside = admin.system.storage / "volumes" / f"{disk}.qcow2", admin.system.folder / "aside"
    file.rename(aside)
    await _alarm(admin, "volume.missing", disk)
    admin.system.virsh("undefine", vm.id)
    await _alarm(admin, "vm.missing", vm.id)
    for change in (admin.altus.vms.repair(vm.id), admin.altus.vms.start(vm.id)):
        with pytest.raises(Conflict) as caught:
            await change.run()
        assert caught.value.code in {"volume.missing", "vm.state"}
    assert not file.exists()
    aside.rename(file)
    assert (await _repaired(admin, vm.id)).state is TaskState.SUCCEEDED
    await _no_alarm(admin)


async def test_a_repair_outlives_the_manager(admin: Administrator) -> None:
    """Killed at whatever moment: before it is noticed, while it is repaired, or after."""
    vm = await admin.vm()
    _nbctl("lsp-del", vm.nics[0].id)
    admin.system.virsh("undefine", vm.id)

    async def begun() -> bool:
        return bool((await admin.altus.tasks.page(["kind:vm.repair", f"object_id:{vm.id}"])).items)

    await until(begun, "the repair is submitted")
    admin.system.kill(MANAGER)
    admin.system.start(MANAGER)
    await admin.host_up()
    assert (await _repaired(admin, vm.id)).state is TaskState.SUCCEEDED
    await admin.in_state(vm.id, VmState.STOPPED)
    await admin.healthy()
    await _no_alarm(admin)


async def test_domains_of_others_are_listed_and_left_alone(admin: Administrator) -> None:
    (host,) = (await admin.altus.hosts.page()).items
    before = await admin.altus.hosts.unmanaged(host.id)
    disk = admin.system.folder / "legacy.qcow2"
    uuid = foreign_domain(admin, "legacy", disk, "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/>"
                          "<product id='0x1'/></source></hostdev>")  # fmt: skip

    async def listed() -> UnmanagedView | None:
        found = (await admin.altus.hosts.unmanaged(host.name)).items
        return next((domain for domain in found if domain.id == uuid), None)

    domain = await until(listed, "it is listed")
    assert (domain.name, domain.state, domain.ours, domain.vcpus) == ("legacy", VmState.STOPPED, False, 2)
    assert [one.path for one in domain.disks] == [str(disk)]
    with pytest.raises(Conflict) as caught:
        await admin.altus.vms.adopt(host.id, VmAdopt(domain=uuid, network=NETWORK)).run()
    assert caught.value.code == "domain.not_adoptable"
    assert all(why in caught.value.message for why in ("not a volume of a repository", "<hostdev>"))
    await admin.healthy()
    admin.system.virsh("undefine", uuid)
    assert await admin.altus.hosts.unmanaged(host.id) == before


async def test_a_domain_of_others_is_adopted_and_runs_as_a_vm(admin: Administrator) -> None:
    (host,) = (await admin.altus.hosts.page()).items
    uuid = foreign_domain(admin, "legacy2")
    await admin.altus.vms.adopt(host.id, VmAdopt(domain="legacy2", name="modern", network=NETWORK)).run()
    vm = await admin.altus.vms.get("modern")
    assert (vm.id, vm.state, vm.vcpus, len(vm.disks)) == (uuid, VmState.STOPPED, 2, 1)
    assert vm.nics[0].mac == FOREIGN_MAC
    assert uuid not in {domain.id for domain in (await admin.altus.hosts.unmanaged(host.id)).items}
    await admin.healthy()
    await _no_alarm(admin)
    await admin.altus.vms.start(vm.id).run()
    assert admin.system.qemu_pid(vm.id) is not None


async def test_a_vm_of_altus_that_the_database_does_not_know_is_an_orphan(admin: Administrator) -> None:
    vm, stranger = await admin.vm(networks=()), new_id()
    path = admin.system.folder / "orphan.xml"
    _write(path, admin.system.virsh("dumpxml", vm.id).replace(vm.id, stranger))
    admin.system.virsh("define", str(path))
    await _alarm(admin, "vm.orphan", stranger)
    (host,) = (await admin.altus.hosts.page()).items
    assert [one.id for one in (await admin.altus.hosts.unmanaged(host.id)).items if one.ours] == [stranger]
    admin.system.virsh("undefine", stranger)
    await _no_alarm(admin)


def _write(path: Path, text: str) -> None:
    path.write_text(text)
