"""The host by which a NAT network goes out dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from altus.model.host import HostState
from altus.model.network import NetworkKind
from altus.sdk.client import AltusClient
from altus.wire.floating_ips import FloatingIpAttach, FloatingIpCreate
from altus.wire.pools import PoolEdit
from altus.wire.vms import VmMigrate
from devkit.lab import Lab
from testbed.patience import RECOVERY, until
from tests.functional.lab.pool import PoolOfLab

_OUTSIDE = "10.199.1.200"
"""An address of the management network that nobody has: it is the outside of hosts in a lab."""
pytestmark = [pytest.mark.functional, pytest.mark.timeout(900)]


@pytest.fixture
def three() -> Iterator[Lab]:
    """A lab with three hosts, instead of any other."""
    with Lab() as lab:
        lab.down()
        lab.up(3, furnish=True)
        yield lab


@pytest.fixture
async def altus(three: Lab) -> AsyncIterator[AltusClient]:
    """The SDK as the system administrator."""
    async with three.client() as altus:
        yield altus


def _way_out(lab: Lab) -> str:
    """The host by which the only NAT network goes out, as OVN says."""
    ask = ("ovn-sbctl", "--bare", "--columns")
    chassis = lab.run("manager", *ask, "chassis", "find", "Port_Binding", "type=chassisredirect").stdout.strip()
    return lab.run("manager", *ask, "hostname", "list", "Chassis", chassis).stdout.strip() if chassis else ""


async def test_a_nat_network_goes_out_by_another_host_when_its_own_dies(three: Lab, altus: AltusClient) -> None:
    pool = PoolOfLab(three, altus)
    network = await pool.network("10.61.0.0/24", NetworkKind.NAT)
    names = {host.id: host.name async for host in altus.hosts.each()}
    by_host = {names[vm.host_id or ""]: vm for vm in [await pool.vm(network) for _ in range(2)]}
    assert len(by_host) == 2
    outside = three.status()["manager"].addresses["management"]
    for host, vm in by_host.items():
        await pool.reaches(host, vm, outside)
    dead = _way_out(three)
    three.kill(dead)
    host, vm = next((host, vm) for host, vm in by_host.items() if host != dead)
    await pool.reaches(host, vm, outside)
    assert _way_out(three) not in ("", dead)
    await asyncio.to_thread(three.power_on, dead)
    await pool.host(dead, HostState.UP)

    async def is_back() -> bool:
        return _way_out(three) == dead

    await until(is_back, f"the network goes out by {dead} again", RECOVERY)
    await pool.reaches(host, vm, outside)


async def _answers(lab: Lab, address: str) -> None:
    """Until somebody outside gets an answer."""
    script = f"ping -c 1 -W 1 {address} >/dev/null && echo yes || echo no"

    async def look() -> bool:
        done = await asyncio.to_thread(lab.run, "manager", "sh", "-c", script)
        return done.stdout.strip() == "yes"

    await until(look, f"{address} answers", RECOVERY)


async def test_a_floating_address_follows_its_vm_and_its_networks_way_out(three: Lab, altus: AltusClient) -> None:
    pool = PoolOfLab(three, altus)
    network = await pool.network("10.61.0.0/24", NetworkKind.NAT)
    names = {host.id: host.name async for host in altus.hosts.each()}
    vm = await pool.vm(network)
    await altus.pools.edit("default", PoolEdit(outside=_OUTSIDE))
    given = (await altus.floating_ips.create(FloatingIpCreate(network=network.name)).run()).object_id
    await altus.floating_ips.attach(given, FloatingIpAttach(vm=vm.id)).run()
    await _answers(three, _OUTSIDE)
    way_out, home = _way_out(three), names[vm.host_id or ""]
    await altus.vms.migrate(vm.id, VmMigrate(host=next(name for name in names.values() if name != home))).run()
    await _answers(three, _OUTSIDE)
    here = names[(await altus.vms.get(vm.id)).host_id or ""]
    assert here != home
    if here == way_out:
        await altus.vms.migrate(vm.id, VmMigrate(host=next(name for name in names.values() if name != way_out))).run()
    three.kill(way_out)
    await _answers(three, _OUTSIDE)
    assert _way_out(three) not in ("", way_out)
    await asyncio.to_thread(three.power_on, way_out)
    await pool.host(way_out, HostState.UP)

    async def is_back() -> bool:
        return _way_out(three) == way_out

    await until(is_back, f"the network goes out by {way_out} again", RECOVERY)
    await _answers(three, _OUTSIDE)
    findings = (await altus.system.doctor()).findings
    assert not [finding for finding in findings if finding.noun == "floating_ip"]
