"""What the driver does to the host, and that it takes all of it away again."""

from __future__ import annotations

import asyncio
import json
import sys
from ipaddress import IPv4Network

import pytest

from altus.common.errors import Conflict
from altus.common.ids import new_id
from altus.drivers.network.base import Datapath
from altus.drivers.network.ovn.driver import OvnNetworks
from altus.model.network import NetworkKind, NetworkSpec, PortSpec, mac_of
from tests.functional.ovn.lab import WAN, Lab, sh, until

pytestmark = pytest.mark.functional

_NORTHBOUND = ("Logical_Switch", "Logical_Switch_Port", "ACL", "DHCP_Options", "Logical_Router", "Logical_Router_Port",
               "Logical_Router_Static_Route", "Gateway_Chassis", "Load_Balancer")  # fmt: skip


async def _state() -> dict[str, object]:
    """All that a driver could leave behind, without what changes by itself."""
    rows = {table: (await sh("ovn-nbctl", "--bare", "list", table))[1] for table in _NORTHBOUND}
    return {
        **rows,
        "bridges": (await sh("ovs-vsctl", "list-br"))[1],
        "ports": (await sh("ovs-vsctl", "list-ports", "br-int"))[1],
        "ids": (await sh("ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids"))[1],
        "addresses": [(link["ifname"], [info["local"] for info in link["addr_info"]])
                      for link in json.loads((await sh("ip", "-j", "-4", "address"))[1])],
        "routes": (await sh("ip", "route"))[1],
        "rules": (await sh("nft", "list", "ruleset"))[1],
    }  # fmt: skip


async def _empty(lab: Lab) -> dict[str, object]:
    """The state of a host without networks, when ovn-controller has removed the patch ports of earlier tests."""
    await lab.driver.ensure_host()

    async def no_ports() -> bool:
        return not (await sh("ovs-vsctl", "list-ports", "br-int"))[1]

    await until(no_ports, "br-int has no ports")
    return await _state()


async def _back_to(before: dict[str, object]) -> None:
    """ovn-controller takes a moment to remove its patch ports."""
    state: dict[str, object] = {}

    async def same() -> bool:
        nonlocal state
        state = await _state()
        return state == before

    try:
        await until(same, "all is as before")
    except AssertionError:
        assert state == before
        raise


def _nat(number: int) -> NetworkSpec:
    cidr = IPv4Network(f"10.40.{number}.0/24")
    return NetworkSpec(id=new_id(), kind=NetworkKind.NAT, cidr=str(cidr), gateway=str(cidr[1]))


async def test_deleting_networks_leaves_nothing_behind(lab: Lab) -> None:
    before = await _empty(lab)
    nat, isolated = await lab.network("10.20.0.0/24"), await lab.network("10.30.0.0/24", NetworkKind.ISOLATED)
    one, two = await lab.guest(nat, 2), await lab.guest(isolated, 2)
    await one.reaches("100.64.0.1")
    assert await _state() != before
    for guest in (one, two):
        await guest.destroy()
        await lab.driver.delete_port(guest.port.id)
    for network in (nat, isolated):
        await lab.driver.delete_network(network.id)
    await _back_to(before)


async def test_asking_twice_changes_nothing(lab: Lab) -> None:
    network = await lab.network("10.20.0.0/24")
    guest = await lab.guest(network, 2)
    before = await _state()
    await lab.driver.ensure_network(network)
    await lab.driver.ensure_port(guest.port)
    await lab.driver.ensure_host()
    assert await _state() == before


async def test_what_a_reboot_forgets_is_put_back(lab: Lab) -> None:
    await lab.outside()
    guest = await lab.guest(await lab.network("10.20.0.0/24"), 2)
    await guest.reaches(str(WAN.ip))
    before = await _state()
    await sh("nft", "flush", "ruleset")
    await sh("ip", "address", "flush", "dev", "altus-ext")
    await sh("ip", "link", "set", "altus-ext", "down")
    await sh("sysctl", "-q", "net.ipv4.ip_forward=0")
    await lab.driver.ensure_host()
    assert await _state() == before
    await guest.reaches("198.51.100.1")


async def test_other_peoples_rules_and_mappings_stay(lab: Lab) -> None:
    await sh("nft", "add table ip theirs")
    await sh("nft", "add chain ip theirs forward { type filter hook forward priority 0; policy drop; }")
    await sh("ovs-vsctl", "set", "Open_vSwitch", ".", "external_ids:ovn-bridge-mappings=phys:br-phy")
    network = await lab.network("10.20.0.0/24")
    assert "ip theirs forward" in (await lab.driver.capabilities()).reason
    await lab.driver.delete_network(network.id)
    assert (await sh("nft", "list", "tables"))[1] == "table ip theirs\n"
    assert "phys:br-phy" in (await sh("ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids:ovn-bridge-mappings"))[1]
    await sh("nft", "delete table ip theirs")
    await sh("ovs-vsctl", "remove", "Open_vSwitch", ".", "external_ids", "ovn-bridge-mappings")
    assert "theirs" not in (await lab.driver.capabilities()).reason


async def test_addresses_the_host_reaches_elsewhere_are_refused(lab: Lab) -> None:
    await lab.outside()
    for cidr in ("198.51.100.0/24", "198.51.0.0/16", "198.51.100.64/26", "100.64.7.0/24"):
        with pytest.raises(Conflict) as error:
            await lab.network(cidr)
        assert error.value.code == "network.cidr_overlap"
    await lab.network("198.51.100.0/24", NetworkKind.ISOLATED)


async def test_agents_that_make_networks_at_once_give_every_router_its_own_address(lab: Lab) -> None:
    other = OvnNetworks()
    await lab.network("10.20.0.0/24")
    try:
        specs = [_nat(number) for number in range(12)]
        lab.networks.extend(specs)
        drivers = [lab.driver, other] * 6
        await asyncio.gather(*(driver.ensure_network(spec) for driver, spec in zip(drivers, specs, strict=True)))
        routes = json.loads((await sh("ip", "-j", "route", "show", "proto", "164"))[1])
        assert len({route["gateway"] for route in routes}) == len(routes) == 13
    finally:
        await other.close()


async def test_the_datapath_follows_the_kernel(lab: Lab) -> None:
    """The kernel's is only asked for here: this machine may have no module."""
    await lab.driver.ensure_host()
    driver = OvnNetworks(has_kernel_datapath=lambda: True)
    network, port_id = _nat(1), new_id()
    try:
        assert (await driver.capabilities()).datapath is Datapath.KERNEL
        assert (await sh("ovs-vsctl", "get", "Bridge", "br-int", "datapath_type"))[1].strip() == "system"
        await lab.driver.ensure_network(network)
        lab.networks.append(network)
        await driver.ensure_port(PortSpec(id=port_id, network_id=network.id, mac=mac_of(port_id), address="10.40.1.2"))
        assert (await driver.attachment(port_id)).checksum_offload
    finally:
        await driver.delete_port(port_id)
        await driver.close()


_KILLED = """
import asyncio, sys
from altus.drivers.network.ovn.driver import OvnNetworks
from altus.model.network import NetworkKind, NetworkSpec

async def main():
    driver = OvnNetworks()
    await driver.truth()
    await driver.capabilities()
    spec = NetworkSpec(id=sys.argv[1], kind=NetworkKind.NAT, cidr="10.20.0.0/24", gateway="10.20.0.1")
    print("begins", flush=True)
    while True:
        await driver.ensure_network(spec)
        await driver.delete_network(spec.id)

asyncio.run(main())
"""


@pytest.mark.parametrize("milliseconds", [3, 15, 30, 45, 60, 80, 110])
async def test_a_killed_agent_leaves_what_the_next_call_completes(lab: Lab, milliseconds: int) -> None:
    before = await _empty(lab)
    spec = NetworkSpec(id=new_id(), kind=NetworkKind.NAT, cidr="10.20.0.0/24", gateway="10.20.0.1")
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _KILLED, spec.id, stdout=-1)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begins\n"
    await asyncio.sleep(milliseconds / 1000)
    process.kill()
    await process.wait()
    lab.networks.append(spec)
    await lab.driver.ensure_network(spec)
    guest = await lab.guest(spec, 2)
    await guest.reaches("100.64.0.1")
    await lab.clear()
    lab.guests.clear()
    lab.networks.clear()
    await _back_to(before)
