"""The life of a VM with a real guest in it."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from altus.common.errors import AltusError, Conflict, NotFound
from altus.common.units import GIB, MIB
from altus.model.vm import MAX_DISKS, MAX_MEMORY, MAX_NICS, MAX_VCPUS, Firmware, PowerIntent, VmState
from altus.wire.vms import CloudInitCreate, DiskCreate, NicCreate, VmCreate, VmRestart, VmStop
from testbed.administrator import NETWORK, Administrator, fresh
from testbed.patience import GUEST, until

pytestmark = pytest.mark.functional
_BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
_PING = '{"execute": "guest-ping"}'


async def _rebooted(admin: Administrator, vm_id: str, before: str) -> None:
    async def look() -> bool:
        try:
            return await admin.run(vm_id, _BOOT_ID) != before
        except AssertionError:  # no agent while it boots
            return False

    await until(look, "the guest has booted anew", GUEST)


async def test_a_new_vm_boots_and_tells_about_itself(admin: Administrator) -> None:
    vm = await admin.guest()
    assert (vm.state, vm.intent, vm.restart_pending) == (VmState.RUNNING, PowerIntent.RUNNING, False)
    assert vm.addresses == [vm.nics[0].address]
    assert vm.guest is not None
    assert vm.guest.hostname == vm.name
    assert vm.guest.os_name.startswith("Altus tiny")
    assert vm.guest.kernel.startswith("6.")
    assert vm.guest.agent_version
    assert "/disk" in {filesystem.mountpoint for filesystem in vm.guest.filesystems}
    assert vm.allowed_actions["stop"].allowed
    assert not vm.allowed_actions["start"].allowed
    assert "running" in vm.allowed_actions["start"].reason


async def test_ssh_lets_the_key_of_the_seed_in_and_nobody_else(admin: Administrator, tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(make, check=True)  # noqa: ASYNC221
    key = (tmp_path / "ours.pub").read_text().strip()
    vm = await admin.vm(cloud_init=CloudInitCreate(ssh_keys=[key]), start=True)
    address = (await admin.answers(vm.id)).addresses[0]

    def ssh(name: str) -> subprocess.CompletedProcess[str]:
        options = [f"-o{option}" for option in ("StrictHostKeyChecking=no", f"UserKnownHostsFile={tmp_path}/hosts",
                   "BatchMode=yes", "ConnectTimeout=30", "IdentitiesOnly=yes")]  # fmt: skip
        return subprocess.run(["ssh", "-F/dev/null", *options, "-i", str(tmp_path / name), f"root@{address}",
                               "hostname"], check=False, capture_output=True, text=True)  # fmt: skip

    async def lets_in() -> bool:
        return ssh("ours").returncode == 0

    await until(lets_in, "sshd answers", GUEST)
    assert ssh("ours").stdout.strip() == vm.name
    assert "Permission denied" in ssh("theirs").stderr


async def test_a_seed_script_runs_at_the_first_boot(admin: Administrator) -> None:
    script = "#!/bin/sh\necho 'made by the seed' > /run/seeded\n"
    vm = await admin.vm(cloud_init=CloudInitCreate(user_data=script), start=True)
    await admin.answers(vm.id)
    assert await admin.run(vm.id, "cat /run/seeded") == "made by the seed"


async def test_stop_shuts_the_guest_down_and_start_boots_it_again(admin: Administrator) -> None:
    vm = await admin.guest()
    boot = await admin.run(vm.id, _BOOT_ID)
    await admin.run(vm.id, "echo kept > /disk/note && sync")
    task = await admin.altus.vms.stop(vm.id).run()
    assert task.trail[0].error is None
    vm = await admin.altus.vms.get(vm.id)
    assert (vm.state, vm.intent, vm.guest) == (VmState.STOPPED, PowerIntent.STOPPED, None)
    assert admin.system.qemu_pid(vm.id) is None
    await admin.altus.vms.start(vm.id).run()
    await admin.answers(vm.id)
    assert await admin.run(vm.id, _BOOT_ID) != boot
    assert await admin.run(vm.id, "cat /disk/note") == "kept"


async def test_a_guest_whose_agent_hangs_is_stopped_by_the_power_button(admin: Administrator) -> None:
    vm = await admin.guest()
    await admin.run(vm.id, "(sleep 2; killall -STOP qemu-ga) > /dev/null 2>&1 &")

    async def hangs() -> bool:
        try:
            return not await asyncio.to_thread(admin.system.virsh, "qemu-agent-command", vm.id, _PING, "--timeout", "2")
        except AssertionError:
            return True

    await until(hangs, "the agent hangs", GUEST)
    await admin.altus.vms.stop(vm.id).run()
    assert (await admin.altus.vms.get(vm.id)).state is VmState.STOPPED


async def test_stop_of_a_guest_that_does_not_listen_fails_in_time_and_with_force_cuts(admin: Administrator) -> None:
    vm = await admin.vm(start=True, memory=64 * MIB, image=None, disk_size=MIB)  # nothing to boot from
    with pytest.raises(AltusError) as caught:
        await admin.altus.vms.stop(vm.id, VmStop(timeout=0.5)).run()
    assert caught.value.code == "vm.shutdown_timeout"
    assert caught.value.hint
    assert (await admin.altus.vms.get(vm.id)).state is VmState.RUNNING
    await admin.altus.vms.stop(vm.id, VmStop(timeout=0.5, force=True)).run()
    assert (await admin.altus.vms.get(vm.id)).state is VmState.STOPPED


@pytest.mark.parametrize("force", [False, True], ids=["politely", "by reset"])
async def test_restart_boots_the_guest_anew_in_the_same_process(admin: Administrator, force: bool) -> None:
    vm = await admin.guest()
    boot, pid = await admin.run(vm.id, _BOOT_ID), admin.system.qemu_pid(vm.id)
    await admin.altus.vms.restart(vm.id, VmRestart(force=force)).run()
    await _rebooted(admin, vm.id, boot)
    assert admin.system.qemu_pid(vm.id) == pid


async def test_pause_holds_the_guest_and_resume_lets_it_go_on(admin: Administrator) -> None:
    vm = await admin.guest()
    boot = await admin.run(vm.id, _BOOT_ID)
    await admin.altus.vms.pause(vm.id).run()
    vm = await admin.altus.vms.get(vm.id)
    assert (vm.state, vm.intent) == (VmState.PAUSED, PowerIntent.PAUSED)
    assert admin.system.virsh("domstate", vm.id) == "paused"
    for _ in range(10):  # what the guest told is still known, in whichever order the host's answer and its events come
        await admin.altus.vms.resume(vm.id).run()
        vm = await admin.altus.vms.get(vm.id)
        assert (vm.state, vm.intent, bool(vm.addresses)) == (VmState.RUNNING, PowerIntent.RUNNING, True)
        await admin.altus.vms.pause(vm.id).run()
    await admin.altus.vms.resume(vm.id).run()
    assert await admin.run(vm.id, _BOOT_ID) == boot


@pytest.mark.parametrize("verb", ["start", "resume"])
async def test_suspend_keeps_the_memory_over_the_end_of_the_process(admin: Administrator, verb: str) -> None:
    vm = await admin.guest()
    boot = await admin.run(vm.id, _BOOT_ID)
    await admin.altus.vms.suspend(vm.id).run()
    vm = await admin.altus.vms.get(vm.id)
    assert (vm.state, vm.intent) == (VmState.SUSPENDED, PowerIntent.SUSPENDED)
    assert admin.system.qemu_pid(vm.id) is None
    await getattr(admin.altus.vms, verb)(vm.id).run()
    await admin.answers(vm.id)
    assert await admin.run(vm.id, _BOOT_ID) == boot


async def test_kill_cuts_the_power_and_drops_saved_memory(admin: Administrator) -> None:
    vm = await admin.guest()
    await admin.altus.vms.kill(vm.id).run()
    assert (await admin.altus.vms.get(vm.id)).state is VmState.STOPPED
    await admin.altus.vms.start(vm.id).run()
    await admin.altus.vms.suspend(vm.id).run()
    await admin.altus.vms.kill(vm.id).run()
    assert (await admin.altus.vms.get(vm.id)).state is VmState.STOPPED


@pytest.mark.parametrize("verb", ["stop", "restart", "pause", "resume", "suspend", "kill"])
async def test_what_needs_a_running_guest_is_refused_for_a_stopped_one(admin: Administrator, verb: str) -> None:
    vm = await admin.vm(networks=())
    with pytest.raises(Conflict) as caught:
        await getattr(admin.altus.vms, verb)(vm.id)
    assert caught.value.code == "vm.state"
    assert caught.value.hint


async def test_what_others_do_with_virsh_or_in_the_guest_is_noticed(admin: Administrator) -> None:
    vm = await admin.guest()
    admin.system.virsh("destroy", vm.id)
    assert (await admin.in_state(vm.id, VmState.STOPPED)).guest is None
    admin.system.virsh("start", vm.id)
    await admin.in_state(vm.id, VmState.RUNNING)
    await admin.answers(vm.id)
    admin.system.virsh("suspend", vm.id)
    await admin.in_state(vm.id, VmState.PAUSED)
    admin.system.virsh("resume", vm.id)
    await admin.in_state(vm.id, VmState.RUNNING)
    await admin.run(vm.id, "(sleep 1; poweroff) > /dev/null 2>&1 &")
    vm = await admin.in_state(vm.id, VmState.STOPPED, seconds=GUEST)
    assert vm.intent is PowerIntent.RUNNING


async def test_a_protected_vm_is_not_deleted_and_a_running_one_neither(admin: Administrator) -> None:
    vm = await admin.vm(protected=True, networks=())
    with pytest.raises(Conflict) as caught:
        await admin.altus.vms.delete(vm.id)
    assert caught.value.code == "vm.protected"
    running = await admin.vm(start=True, networks=())
    with pytest.raises(Conflict) as caught:
        await admin.altus.vms.delete(running.id)
    assert caught.value.code == "vm.state"
    assert (await admin.altus.vms.get(running.id)).state is VmState.RUNNING


@pytest.mark.parametrize("keep", [False, True], ids=["with its disks", "keeping its disks"])
async def test_delete_removes_everything_it_should(admin: Administrator, keep: bool) -> None:
    vm = await admin.vm(disks=[DiskCreate(size=2 * MIB)])
    volumes = [disk.volume_id for disk in vm.disks]
    assert len(volumes) == 2
    await admin.altus.vms.delete(vm.id, keep_volumes=keep).run()
    with pytest.raises(NotFound):
        await admin.altus.vms.get(vm.id)
    there = {volume.id: volume async for volume in admin.altus.volumes.each()}
    for volume in volumes:
        assert (volume in there) is keep
        assert any(volume in file for file in admin.system.files()) is keep
        assert not keep or there[volume].vm_id is None
    assert vm.id not in admin.system.virsh("list", "--all", "--uuid")


async def test_the_largest_vm_is_accepted_and_defined(admin: Administrator) -> None:
    disks = [DiskCreate(size=MIB) for _ in range(MAX_DISKS - 1)]
    vm = await admin.vm(vcpus=MAX_VCPUS, memory=MAX_MEMORY, disks=disks, networks=[NETWORK] * MAX_NICS)
    assert (vm.vcpus, vm.memory, len(vm.disks), len(vm.nics)) == (128, 1024 * GIB, 26, 8)
    defined = admin.system.virsh("dumpxml", vm.id)
    assert ">128</vcpu>" in defined
    assert defined.count("device='disk'") == MAX_DISKS
    assert defined.count("<interface ") == MAX_NICS
    with pytest.raises(AltusError) as caught:
        await admin.altus.vms.start(vm.id).run()
    assert caught.value.code == "host.memory"


_BEYOND: dict[str, dict[str, object]] = {
    "a vCPU too many": {"vcpus": MAX_VCPUS + 1},
    "too much memory": {"memory": MAX_MEMORY + MIB},
    "hardly any memory": {"memory": 1},
    "a disk too many": {"disks": [{"size": MIB}] * (MAX_DISKS + 1)},
    "a disk too many with the image's": {"disks": [{"size": MIB}] * MAX_DISKS},
    "a NIC too many": {"nics": [{"network": NETWORK}] * (MAX_NICS + 1)},
    "a path as name": {"name": "../../etc/passwd"},
    "a control sequence as name": {"name": "a\x1b[2J"},
    "a long name": {"name": "a" * 64},
    "an absurd disk": {"disk_size": 1 << 62},
    "an unknown field": {"colour": "red"},
    "a wrong type": {"vcpus": "two"},
    "a boot order with a device twice": {"boot": ["disk", "disk"]},
}


@pytest.mark.parametrize("fields", _BEYOND.values(), ids=_BEYOND)
async def test_beyond_the_limits_nothing_is_made(admin: Administrator, fields: dict[str, object]) -> None:
    before = admin.system.files()
    with pytest.raises(AltusError) as caught:
        await admin.send("POST", "/vms", {"name": fresh("vm"), "image": "tiny", **fields})
    assert caught.value.kind in ("invalid", "conflict")
    assert caught.value.hint
    assert admin.system.files() == before


async def test_a_vm_with_uefi_boots_from_its_disk(admin: Administrator) -> None:
    vm = await admin.vm(firmware=Firmware.UEFI, memory=512 * MIB, start=True)
    vm = await admin.answers(vm.id)
    assert await admin.run(vm.id, "test -d /sys/firmware/efi && echo yes") == "yes"


async def test_two_vms_of_one_name_are_refused(admin: Administrator) -> None:
    vm = await admin.vm(networks=())
    with pytest.raises(Conflict) as caught:
        await admin.altus.vms.create(VmCreate(name=vm.name, disk_size=MIB, nics=[NicCreate(network=NETWORK)]))
    assert caught.value.code.endswith("name_taken")
