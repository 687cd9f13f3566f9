"""Daemons are killed by kill -9 and started anew, as systemd does; traffic and driver come back by themselves."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest

from altus.common.errors import Unavailable
from altus.common.ids import new_id
from altus.drivers.network.ovn.driver import OvnNetworks
from altus.drivers.network.ovn.names import OvnSettings
from devkit.services.plain import Plain
from tests.functional.ovn.lab import OUTSIDE, Guest, Lab, sh, until
from tests.functional.ovn.traffic import exchange, server

pytestmark = pytest.mark.functional

_DAEMONS = ("ovsdb", "ovs-vswitchd", "ovn-nb", "ovn-sb", "ovn-northd", "ovn-controller")
_BACK_SECONDS = 15.0


async def _works(lab: Lab, one: Guest, two: Guest) -> None:
    """Old guests talk, reach the outside and are reached by the host, and a new one joins them."""
    await one.reaches(two.port.address, _BACK_SECONDS)
    await one.reaches(str(OUTSIDE.ip), _BACK_SECONDS)
    async with server(one, one.port.address):
        await exchange(None, one.port.address)
    await lab.driver.ensure_network(one.network)
    await lab.driver.ensure_port(one.port)
    new = await lab.guest(one.network, 9)
    await new.reaches(one.port.address, _BACK_SECONDS)


@pytest.mark.parametrize("daemon", _DAEMONS)
async def test_traffic_and_driver_are_back_after_a_daemon_was_killed(lab: Lab, services: Plain, daemon: str) -> None:
    await lab.outside()
    network = await lab.network("10.20.0.0/24")
    one, two = await lab.guest(network, 2), await lab.guest(network, 3)
    await one.reaches(two.port.address)
    await one.reaches(str(OUTSIDE.ip))
    await asyncio.to_thread(services.kill, daemon)
    await asyncio.to_thread(services.start, [daemon])
    await _works(lab, one, two)


async def test_all_daemons_killed_at_once_come_back(lab: Lab, services: Plain) -> None:
    await lab.outside()
    network = await lab.network("10.20.0.0/24")
    one, two = await lab.guest(network, 2), await lab.guest(network, 3)
    for daemon in _DAEMONS:
        await asyncio.to_thread(services.kill, daemon)
    await asyncio.to_thread(services.start, ["ovn"])
    await _works(lab, one, two)


async def test_calls_while_the_northbound_database_is_away_fail_soon_and_work_afterwards(
    lab: Lab, services: Plain
) -> None:
    network = await lab.network("10.20.0.0/24")
    await asyncio.to_thread(services.kill, "ovn-nb")

    async def noticed() -> bool:
        """What was read just before its end may still be answered from memory."""
        try:
            await lab.driver.truth()
        except Unavailable:
            return True
        return False

    await until(noticed, "the driver notices")
    for call in (lab.driver.truth, partial(lab.driver.ensure_network, network),
                 partial(lab.driver.delete_port, new_id())):  # fmt: skip
        start = time.monotonic()
        with pytest.raises(Unavailable) as error:
            await call()
        assert error.value.code == "network.unavailable"
        assert time.monotonic() - start < 3
    await asyncio.to_thread(services.start, ["ovn-nb"])
    assert (await lab.driver.truth()).networks == {network.id}
    await lab.driver.ensure_network(network)


@pytest.mark.parametrize("daemon", ["ovn-nb", "ovsdb"])
async def test_a_frozen_database_hangs_nobody(lab: Lab, services: Plain, daemon: str) -> None:
    network = await lab.network("10.20.0.0/24")
    connected, fresh = OvnNetworks(OvnSettings(timeout=2)), OvnNetworks(OvnSettings(timeout=2))
    await connected.ensure_network(network)
    pid = services.pid(daemon)
    assert pid is not None
    await sh("kill", "-STOP", str(pid))
    try:
        # the last NAT network takes its uplink along, so both databases must be written
        for driver in (connected, fresh):
            start = time.monotonic()
            with pytest.raises(Unavailable):
                await driver.delete_network(network.id)
            assert time.monotonic() - start < 6
    finally:
        await sh("kill", "-CONT", str(pid))
        await asyncio.gather(connected.close(), fresh.close())
    await lab.driver.delete_network(network.id)

    async def uplink_gone() -> bool:
        return (await sh("ip", "link", "show", "altus-ext", check=False))[0] != 0

    await until(uplink_gone, "the uplink goes with the last NAT network")


async def test_an_uplink_that_somebody_removed_comes_back_by_itself(lab: Lab) -> None:
    guest = await lab.guest(await lab.network("10.20.0.0/24"), 2)
    await guest.reaches("100.64.0.1")
    await sh("ovs-vsctl", "del-br", "altus-ext")
    await guest.reaches("100.64.0.1", _BACK_SECONDS)


async def test_an_uplink_that_ovs_made_anew_is_put_right_by_itself(lab: Lab, services: Plain) -> None:
    guest = await lab.guest(await lab.network("10.20.0.0/24"), 2)
    await guest.reaches("100.64.0.1")
    # unlike kill -9, this takes the devices along, with their addresses and routes
    await sh("ovs-appctl", "-t", "ovs-vswitchd", "exit", "--cleanup")

    async def ended() -> bool:
        return services.pid("ovs-vswitchd") is None

    await until(ended, "ovs-vswitchd has ended")
    await asyncio.to_thread(services.start, ["ovs-vswitchd"])
    await guest.reaches("100.64.0.1", _BACK_SECONDS)


async def test_a_driver_started_before_its_daemons_becomes_right_by_itself(lab: Lab, services: Plain) -> None:
    guest = await lab.guest(await lab.network("10.20.0.0/24"), 2)
    await guest.reaches("100.64.0.1")
    await asyncio.to_thread(services.stop, ["ovn"])
    driver = OvnNetworks()
    driver.start()
    try:
        with pytest.raises(Unavailable):
            await driver.truth()
        await asyncio.to_thread(services.start, ["ovn"])
        await until(lambda: guest.pings("100.64.0.1"), "the host is right again")
        assert (await driver.truth()).ports == {guest.port.id: guest.network.id}
    finally:
        await driver.close()
