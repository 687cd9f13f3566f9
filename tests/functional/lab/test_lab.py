"""A lab is a pool: hosts with identities of their own, one overlay network, power and cables that can be cut."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest

from altus.model.host import HostState
from altus.model.network import NetworkKind
from altus.model.vm import VmState
from altus.sdk.client import AltusClient
from altus.wire.routers import RouterCreate
from devkit.checks import ROOT
from devkit.lab import Lab, LabError
from testbed.patience import until
from tests.functional.lab.pool import HOSTS, PoolOfLab

pytestmark = [pytest.mark.functional, pytest.mark.timeout(600)]


def _dev(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "devkit.main", "lab", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


async def test_every_host_is_a_machine_of_its_own(lab: Lab, altus: AltusClient) -> None:
    assert {host.name: host.state async for host in altus.hosts.each()} == dict.fromkeys(HOSTS, HostState.UP)
    for question in ("cat /etc/machine-id", "virsh --quiet capabilities | grep uuid",
                     "ip -br -4 address show management", "cat /var/lib/altus/agent/tls/agent.pem"):  # fmt: skip
        answers = {lab.run(host, "sh", "-c", question).stdout for host in HOSTS}
        assert len(answers) == len(HOSTS), question
    storages = {storage.name async for storage in altus.storages.each()}
    assert storages == {"shared", *(f"{host}-local" for host in HOSTS)}


def test_the_command_line_works_in_the_managers_machine(lab: Lab) -> None:
    listed = json.loads(_dev("exec", "manager", "--", "./altus", "host", "list", "-o", "json").stdout)
    assert {host["name"]: host["state"] for host in listed["items"]} == dict.fromkeys(HOSTS, "up")
    known = {machine["machine"]: machine for machine in json.loads(_dev("status", "-o", "json").stdout)}
    assert {name: (machine["power"], machine["state"]) for name, machine in known.items()} == {
        "manager": ("on", ""), **dict.fromkeys(HOSTS, ("on", "up")),
    }  # fmt: skip
    assert _dev("exec", "host1", "--", "sh", "-c", "exit 7").returncode == 7
    assert "there is no 'host9'" in _dev("kill-host", "host9").stderr


async def test_guests_on_different_hosts_share_a_network_until_it_is_cut(pool: PoolOfLab) -> None:
    vms = await pool.vms_on_each_host(await pool.network("10.60.0.0/24"))
    one, two = (vms[host] for host in HOSTS)
    await pool.reaches("host1", one, two.addresses[0])
    await pool.reaches("host2", two, one.addresses[0])
    pool.lab.cut("host2", "tenant", "in")
    await pool.falls_silent("host1", one, two.addresses[0])
    await pool.host("host2", HostState.UP)
    pool.lab.heal("host2", "tenant")
    await pool.reaches("host1", one, two.addresses[0])


async def test_a_nat_network_goes_out_by_one_host_for_guests_of_all(pool: PoolOfLab) -> None:
    vms = await pool.vms_on_each_host(await pool.network("10.61.0.0/24", NetworkKind.NAT))
    outside = pool.lab.status()["manager"].addresses["management"]
    for host, vm in vms.items():
        await pool.reaches(host, vm, outside)


async def test_a_host_without_power_is_noticed_and_comes_back_as_itself(pool: PoolOfLab) -> None:
    vms = await pool.vms_on_each_host(await pool.network("10.62.0.0/24"))
    before = await pool.host("host2", HostState.UP)
    pool.lab.kill("host2")
    await pool.host("host2", HostState.UNREACHABLE)
    await pool.in_state(vms["host2"].id, VmState.UNKNOWN)
    assert (await pool.altus.vms.get(vms["host1"].id)).state is VmState.RUNNING
    with pytest.raises(LabError, match="host2 is off"):
        pool.lab.run("host2", "true")
    await asyncio.to_thread(pool.lab.power_on, "host2")
    after = await pool.host("host2", HostState.UP)
    assert after.id == before.id
    assert (await pool.in_state(vms["host2"].id, VmState.STOPPED, VmState.CRASHED)).host_id == before.id


async def test_power_can_be_cut_while_a_host_boots(pool: PoolOfLab) -> None:
    pool.lab.kill("host2")
    boot = asyncio.create_task(asyncio.to_thread(pool.lab.power_on, "host2"))

    async def boots() -> bool:
        return pool.lab.status()["host2"].pid is not None

    await until(boots, "host2 boots")
    assert pool.lab.status()["host2"].power == "booting"
    pool.lab.kill("host2")
    with pytest.raises(LabError, match="host2 ended while it booted"):
        await boot
    assert pool.lab.status()["host2"].power == "off"


@pytest.mark.parametrize("direction", ["in", "out", "both"])
async def test_a_host_that_is_cut_off_is_unreachable_until_that_is_healed(pool: PoolOfLab, direction: str) -> None:
    pool.lab.cut("host1", "management", direction)
    await pool.host("host1", HostState.UNREACHABLE)
    pool.lab.heal("host1", "management", direction)
    await pool.host("host1", HostState.UP)


async def test_networks_on_a_router_reach_each_other_from_host_to_host(pool: PoolOfLab) -> None:
    first, second = await pool.network("10.64.0.0/24"), await pool.network("10.65.0.0/24")
    router = (await pool.altus.routers.create(RouterCreate(name="core")).run()).object_id
    for network in (first, second):
        await pool.altus.routers.attach(router, network.name).run()
    names = {host.id: host.name async for host in pool.altus.hosts.each()}
    one, two = await pool.vm(first), await pool.vm(second)  # placement spreads them
    here, there = names[one.host_id or ""], names[two.host_id or ""]
    assert here != there
    await pool.reaches(here, one, two.nics[0].address)
    await pool.reaches(there, two, one.nics[0].address)
    await pool.altus.routers.detach(router, second.name).run()
    await pool.falls_silent(here, one, two.nics[0].address)
    await pool.altus.routers.detach(router, first.name).run()
    await pool.altus.routers.delete(router).run()
