"""DHCP with a real client."""

from __future__ import annotations

from pathlib import Path

import pytest

from altus.model.network import NetworkKind
from tests.functional.ovn.lab import Guest, Lab, until
from tests.functional.ovn.traffic import exchange, server

pytestmark = pytest.mark.functional

_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
env > {folder}/lease
ip address replace $ip/$mask dev $interface
ip link set $interface mtu $mtu
[ -z "$router" ] || ip route add default via $router
"""


async def lease(guest: Guest, folder: Path) -> dict[str, str]:
    """What busybox' client was given, applied to the guest as an installed system does."""
    script = folder / "script"
    script.write_text(_SCRIPT.format(folder=folder))
    script.chmod(0o755)
    await guest.run("busybox", "udhcpc", "-f", "-q", "-n", "-i", "eth0", "-O", "mtu", "-s", str(script))
    return dict(line.split("=", 1) for line in (folder / "lease").read_text().splitlines())


async def test_a_guest_gets_its_address_router_dns_and_mtu(lab: Lab, tmp_path: Path) -> None:
    network = await lab.network("10.20.0.0/24", dns=("192.0.2.53", "192.0.2.54"))
    guest = await lab.guest(network, 7, configured=False)
    given = await lease(guest, tmp_path)
    wanted = {"ip": "10.20.0.7", "mask": "24", "router": "10.20.0.1", "dns": "192.0.2.53 192.0.2.54", "mtu": "1442",
              "lease": "86400", "serverid": "10.20.0.1"}  # fmt: skip
    assert {key: given.get(key) for key in wanted} == wanted
    async with server(None, "100.64.0.1"):
        await exchange(guest, "100.64.0.1")


async def test_an_isolated_network_offers_neither_router_nor_dns(lab: Lab, tmp_path: Path) -> None:
    network = await lab.network("10.30.0.0/24", NetworkKind.ISOLATED)
    given = await lease(await lab.guest(network, 9, configured=False), tmp_path)
    assert given["ip"] == "10.30.0.9"
    assert "router" not in given
    assert "dns" not in given


async def test_changed_dns_servers_reach_the_next_lease(lab: Lab, tmp_path: Path) -> None:
    network = await lab.network("10.30.0.0/24", NetworkKind.ISOLATED, dns=("10.30.0.2",))
    guest = await lab.guest(network, 9, configured=False)
    assert (await lease(guest, tmp_path))["dns"] == "10.30.0.2"
    changed = type(network)(id=network.id, kind=network.kind, cidr=network.cidr, gateway=network.gateway,
                            dns=("10.30.0.3",))  # fmt: skip
    await lab.driver.ensure_network(changed)
    await guest.run("ip", "address", "flush", "dev", "eth0")

    async def new_servers() -> bool:
        return (await lease(guest, tmp_path))["dns"] == "10.30.0.3"

    await until(new_servers, "OVN tells the new DNS servers")
