"""Something dies or is cut off while guests run: they run on, and soon everything is told as it is."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from altus.model.host import HostState
from altus.model.task import TaskState
from altus.model.vm import VmState
from altus.wire.resources import ImageBuild
from testbed.administrator import IMAGE, Administrator, fresh
from testbed.patience import GUEST, RECOVERY, until
from testbed.strikes import AGENT, MANAGER

pytestmark = pytest.mark.functional
_BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


async def _host_is(admin: Administrator, state: HostState) -> None:
    async def look() -> bool:
        return (await admin.altus.hosts.page()).items[0].state is state

    await until(look, f"the host is {state}", GUEST)


async def test_guests_outlive_libvirtd(admin: Administrator) -> None:
    vm = await admin.guest()
    pid, boot = admin.system.qemu_pid(vm.id), await admin.run(vm.id, _BOOT_ID)
    admin.system.kill("libvirtd")
    assert (await admin.altus.vms.get(vm.id)).state is VmState.RUNNING
    await admin.reaches(vm.addresses[0])
    admin.system.start("libvirtd")
    await admin.healthy()
    assert admin.system.qemu_pid(vm.id) == pid
    assert await admin.run(vm.id, _BOOT_ID) == boot
    admin.system.virsh("suspend", vm.id)
    await admin.in_state(vm.id, VmState.PAUSED)


async def test_what_happens_while_libvirtd_is_away_is_found_out(admin: Administrator) -> None:
    vm = await admin.vm(start=True, networks=())
    admin.system.kill("libvirtd")
    pid = admin.system.qemu_pid(vm.id)
    assert pid is not None
    subprocess.run(["kill", "-9", str(pid)], check=True)  # noqa: ASYNC221
    admin.system.start("libvirtd")
    await admin.in_state(vm.id, VmState.CRASHED, VmState.STOPPED)
    await admin.altus.vms.start(vm.id).run()
    await admin.in_state(vm.id, VmState.RUNNING)


async def test_guests_outlive_the_agent_and_are_unknown_meanwhile(admin: Administrator) -> None:
    vm = await admin.guest()
    pid = admin.system.qemu_pid(vm.id)
    admin.system.kill(AGENT)
    await _host_is(admin, HostState.UNREACHABLE)
    assert (await admin.altus.vms.get(vm.id)).state is VmState.UNKNOWN
    await admin.reaches(vm.addresses[0])
    other = await admin.altus.networks.page()
    assert other.items, "what needs no host still answers"
    admin.system.start(AGENT)
    await admin.answers(vm.id)
    assert admin.system.qemu_pid(vm.id) == pid


async def test_a_dead_qemu_is_a_crashed_vm_that_can_be_started(admin: Administrator) -> None:
    vm = await admin.vm(start=True, networks=())
    pid = admin.system.qemu_pid(vm.id)
    assert pid is not None
    subprocess.run(["kill", "-9", str(pid)], check=True)  # noqa: ASYNC221
    await admin.in_state(vm.id, VmState.CRASHED)
    await admin.healthy()
    await admin.altus.vms.kill(vm.id).run()
    await admin.in_state(vm.id, VmState.STOPPED)
    await admin.altus.vms.start(vm.id).run()
    assert (await admin.altus.vms.get(vm.id)).state is VmState.RUNNING


async def test_what_happened_without_the_manager_is_known_when_it_is_back(admin: Administrator) -> None:
    destroyed, started = await admin.vm(start=True, networks=()), await admin.vm(networks=())
    admin.system.kill(MANAGER)
    admin.system.virsh("destroy", destroyed.id)
    admin.system.virsh("start", started.id)
    admin.system.start(MANAGER)
    await admin.in_state(destroyed.id, VmState.STOPPED)
    await admin.in_state(started.id, VmState.RUNNING)
    await admin.healthy()


async def test_everything_dies_at_once_and_comes_back(admin: Administrator) -> None:
    vm = await admin.guest()
    pid = admin.system.qemu_pid(vm.id)
    services = ("ovn-nb", "ovn-sb", "ovn-northd", "ovn-controller", "ovs-vswitchd", "ovsdb", "virtlogd", "libvirtd")
    for name in (MANAGER, AGENT, *services):
        admin.system.kill(name)
    await asyncio.to_thread(admin.system.revive)
    await admin.host_up()
    await admin.in_state(vm.id, VmState.RUNNING)
    assert admin.system.qemu_pid(vm.id) == pid
    await admin.reaches(vm.addresses[0])
    await admin.healthy()


@contextmanager
def _cut_off(port: int) -> Iterator[None]:
    """Nothing passes between manager and agent, and nobody is told: packets are dropped, not refused."""
    chain = f"type filter hook input priority 0; tcp dport {port} drop; tcp sport {port} drop;"
    rules = f"table inet cut {{\n chain input {{\n {chain}\n }}\n }}\n"
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", "cut"], check=True)


@pytest.mark.parametrize("how", ["packets dropped", "agent frozen"])
async def test_a_task_goes_on_when_the_connection_is_back(admin: Administrator, how: str) -> None:
    system, name = admin.system, fresh("image")
    task = await admin.altus.images.build(ImageBuild(image=IMAGE, name=name))
    if how == "agent frozen":
        system.freeze(AGENT)
        await _host_is(admin, HostState.UNREACHABLE)
        system.thaw(AGENT)
    else:
        with _cut_off(system.port(AGENT)):
            await _host_is(admin, HostState.UNREACHABLE)
    assert (await admin.altus.tasks.wait(task.id)).state is TaskState.SUCCEEDED
    await admin.host_up(RECOVERY)
    assert (await admin.altus.images.get(name)).direct_boot
