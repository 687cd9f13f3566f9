"""Network drivers under one roof: what their suites are run over, and what they are told to make."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Network

import pytest

from altus.common.errors import AltusError, Conflict
from altus.common.ids import new_id
from altus.drivers.network.base import NetworkDriver
from altus.drivers.network.fake import FakeNetworks
from altus.drivers.network.ovn.driver import OvnNetworks
from altus.model.network import NetworkKind, NetworkSpec, PortSpec, mac_of
from altus.model.security_group import SecurityGroupSpec
from devkit.services.plain import Plain
from devkit.testmachine import ENVIRONMENT


@dataclass
class Subject:
    """A driver, and how a VM is plugged into one of its ports here and pulled out again."""

    driver: NetworkDriver
    plug: Callable[[str], Awaitable[None]]
    unplug: Callable[[str], Awaitable[None]]


async def _ovs_vsctl(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec("ovs-vsctl", *arguments)
    assert await process.wait() == 0


async def fake() -> Subject:
    """One that only remembers."""
    driver = FakeNetworks()

    async def plug(port_id: str) -> None:
        driver.plugged.add(port_id)

    async def unplug(port_id: str) -> None:
        driver.plugged.discard(port_id)

    return Subject(driver, plug, unplug)


async def ovn() -> Subject:
    """The OVN of the test machine."""
    assert os.environ.get(ENVIRONMENT), "run this inside the test machine: python -m devkit.testmachine"
    await asyncio.to_thread(Plain().start, ["ovn"])
    driver = OvnNetworks()
    await driver.ensure_host()

    async def plug(port_id: str) -> None:
        attachment = await driver.attachment(port_id)
        name = f"c{port_id[-6:]}"
        await _ovs_vsctl("add-port", attachment.bridge, name, "--", "set", "Interface", name, "type=internal",
                         f"external_ids:iface-id={attachment.interface_id}")  # fmt: skip

    async def unplug(port_id: str) -> None:
        await _ovs_vsctl("del-port", f"c{port_id[-6:]}")

    return Subject(driver, plug, unplug)


async def clear(subject: Subject) -> None:
    """Remove its networks, ports and groups, and let go of it."""
    truth = await subject.driver.truth()
    for port_id in truth.ports:
        await subject.driver.delete_port(port_id)
    for router_id in truth.routers:
        await subject.driver.delete_router(router_id)
    for network_id in truth.networks:
        await subject.driver.delete_network(network_id)
    await _remove_groups(subject.driver)
    left = await subject.driver.truth()
    await subject.driver.close()
    assert not left.networks
    assert not left.ports
    assert not left.security_groups
    assert not left.translations
    assert not left.routers


async def _remove_groups(driver: NetworkDriver) -> None:
    """Those first that nobody names."""
    while groups := (await driver.truth()).security_groups:
        for group_id in groups:
            with contextlib.suppress(Conflict):
                await driver.delete_security_group(group_id)
        assert len((await driver.truth()).security_groups) < len(groups)


def spec(cidr: str = "10.20.0.0/24", kind: NetworkKind = NetworkKind.NAT) -> NetworkSpec:
    """A network."""
    return NetworkSpec(id=new_id(), kind=kind, cidr=cidr, gateway=str(IPv4Network(cidr)[1]))


def port_of(network: NetworkSpec, number: int = 2, *groups: SecurityGroupSpec) -> PortSpec:
    """A port with the address of this number, a member of the groups."""
    port_id = new_id()
    address = str(IPv4Network(network.cidr)[number])
    return PortSpec(id=port_id, network_id=network.id, mac=mac_of(port_id), address=address,
                    security_groups=tuple(group.id for group in groups))  # fmt: skip


async def refusal(call: Awaitable[object], kind: type[AltusError]) -> str:
    """The code by which a call is refused; the refusal says what to do."""
    with pytest.raises(kind) as error:
        await call
    assert error.value.message
    assert error.value.hint
    return error.value.code
