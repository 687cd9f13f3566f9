"""A running VM moves between hosts: its guest goes on, and whatever dies meanwhile it never runs twice."""

from __future__ import annotations

import asyncio
import logging
from itertools import pairwise

import pytest

from altus.common.errors import Conflict
from altus.model.host import HostState
from altus.model.migration import MigrationMode
from altus.model.task import TaskState
from altus.model.vm import VmState
from altus.sdk.client import AltusClient
from testbed.patience import SLOWNESS, until
from tests.functional.lab.mover import BOOT_ID, Mover
from tests.functional.lab.pool import HOSTS, PoolOfLab

pytestmark = [pytest.mark.functional, pytest.mark.timeout(900)]
_LONGEST_SILENCE = 3.0 * SLOWNESS
_LISTEN = "(while :; do ping -c 1 -W 1 {} && cut -d' ' -f1 /proc/uptime >>/run/heard; done) >/dev/null 2>&1 & "
_HEARD = "while ! [ -s /run/heard ]; do sleep 1; done"


async def test_the_guest_goes_on_and_stays_reachable(pool: PoolOfLab) -> None:
    both = await pool.vms_on_each_host(await pool.network("10.63.0.0/24"))
    mover, listener = Mover(pool, both["host1"]), Mover(pool, both["host2"])
    boot_id = await mover.within("host1", BOOT_ID)
    await pool.reaches("host2", listener.vm, mover.vm.addresses[0])
    await listener.within("host2", _LISTEN.format(mover.vm.addresses[0]) + _HEARD)
    task = await pool.altus.vms.migrate(mover.vm.id).run()
    assert mover.running_on() == mover.defined_on() == ["host2"]
    assert (await mover.agrees()).state is VmState.RUNNING
    assert await mover.within("host2", BOOT_ID) == boot_id
    after = float(await listener.within("host2", "cut -d' ' -f1 /proc/uptime"))

    async def heard() -> list[float] | None:
        times = [float(word) for word in (await listener.within("host2", "cat /run/heard")).split()]
        return times if times[-1] > after else None

    times = await until(heard, "it is heard from its new host")
    silence = max(later - earlier for earlier, later in pairwise(times))
    facts = next(step.result for step in task.trail if step.name == "transfer")
    told = f"moved in {facts['seconds']} s, stood still for {facts['downtime']} s, silent for {silence} s"
    logging.getLogger(__name__).info(told)
    assert 0 < facts["downtime"] < facts["seconds"]
    assert facts["bytes_sent"] > 0
    assert silence < _LONGEST_SILENCE, told


async def test_maintenance_empties_a_host_and_its_guests_go_on(pool: PoolOfLab, mover: Mover) -> None:
    boot_id = await mover.within("host1", BOOT_ID)
    assert (await pool.altus.hosts.maintain("host1").plan()).details["VMs that move"] == [f"{mover.vm.name} to host2"]
    await pool.altus.hosts.maintain("host1").run()
    assert (await pool.altus.hosts.get("host1")).state is HostState.MAINTENANCE
    assert mover.running_on() == mover.defined_on() == ["host2"]
    assert await mover.within("host2", BOOT_ID) == boot_id
    with pytest.raises(Conflict, match=f"{mover.vm.name}: No host can take the VM"):
        await pool.altus.hosts.maintain("host2").run()
    await pool.altus.hosts.activate("host1").run()
    assert (await mover.agrees()).state is VmState.RUNNING


@pytest.mark.parametrize("mode", [MigrationMode.AUTO, MigrationMode.PLAIN])
async def test_a_cancelled_migration_leaves_the_vm_where_it_was(altus: AltusClient, mover: Mover,
                                                                mode: MigrationMode) -> None:  # fmt: skip
    task = await mover.begin(mode)
    await altus.tasks.cancel(task.id)
    assert (await mover.end(task)).state is TaskState.CANCELLED
    assert mover.running_on() == mover.defined_on() == ["host1"]
    assert (await mover.agrees()).state is VmState.RUNNING


@pytest.mark.parametrize(("machine", "service"), [
    ("manager", "altus-manager"), ("host1", "altus-agent"), ("host2", "altus-agent"),
    ("host1", "libvirt"), ("host2", "libvirt"),
])  # fmt: skip
async def test_a_daemon_dies_and_the_vm_runs_on_once(pool: PoolOfLab, mover: Mover, machine: str,
                                                     service: str) -> None:  # fmt: skip
    task = await mover.begin()
    pool.kill_service(machine, service)
    await asyncio.to_thread(pool.start_service, machine, service)
    done = await mover.end(task)
    vm = await mover.agrees()
    assert vm.state is VmState.RUNNING, done
    there = "host2" if done.state is TaskState.SUCCEEDED else "host1"
    assert mover.running_on() == [there], done
    assert (await pool.host(there, HostState.UP)).id == vm.host_id


async def test_qemu_dies_and_the_task_says_so(pool: PoolOfLab, mover: Mover) -> None:
    task = await mover.begin()
    pool.lab.run("host1", "pkill", "-9", "-f", f"guest=altus-{mover.vm.id}")

    async def is_dead() -> bool:
        return mover.running_on() == []

    await until(is_dead, "libvirt sees that its QEMU is dead")
    assert (await mover.end(task)).state is TaskState.FAILED
    assert mover.running_on() == []
    assert (await mover.agrees()).state is VmState.CRASHED


@pytest.mark.parametrize("host", HOSTS)
async def test_a_host_is_cut_off_meanwhile_and_the_vm_runs_on_once(pool: PoolOfLab, mover: Mover, host: str) -> None:
    """From the managers, and from the other host: what is sent goes by the same network."""
    task = await mover.begin()
    pool.lab.cut(host, "management")
    await pool.host(host, HostState.UNREACHABLE)
    pool.lab.heal(host, "management")
    done = await mover.end(task)
    vm = await mover.agrees()
    there = "host2" if done.state is TaskState.SUCCEEDED else "host1"
    assert (vm.state, mover.running_on()) == (VmState.RUNNING, [there]), done
    assert (await pool.host(there, HostState.UP)).id == vm.host_id


@pytest.mark.parametrize("host", HOSTS)
async def test_a_host_loses_power_and_the_vm_runs_at_most_once(pool: PoolOfLab, mover: Mover, host: str) -> None:
    task = await mover.begin()
    pool.lab.kill(host)
    await pool.host(host, HostState.UNREACHABLE)
    assert mover.running_on() == ([] if host == "host1" else ["host1"])
    await asyncio.to_thread(pool.lab.power_on, host)
    done = await mover.end(task)
    vm = await mover.agrees()
    if host == "host1":
        assert (done.state, vm.state) in [(TaskState.FAILED, VmState.STOPPED), (TaskState.FAILED, VmState.CRASHED)]
        assert mover.running_on() == []
    else:
        assert vm.state is VmState.RUNNING
        assert mover.running_on() == ["host2" if done.state is TaskState.SUCCEEDED else "host1"]
