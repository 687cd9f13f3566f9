"""OVN that several hosts share: databases reached by TLS with the pool's certificates, one way out for each network."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from altus.common.errors import Unavailable
from altus.common.files import write_whole
from altus.common.ids import new_id
from altus.common.pki import LIFE, Authority, Subject, ends, make_csr, open_key
from altus.drivers.network.ovn import networks
from altus.drivers.network.ovn.database import Database
from altus.drivers.network.ovn.driver import OvnNetworks
from altus.drivers.network.ovn.names import OvnSettings, switch_name
from altus.drivers.network.ovn.remote import Tls
from altus.model.network import NetworkKind, NetworkSpec
from devkit.services import ovs
from devkit.services.plain import Plain
from tests.functional.ovn.lab import sh

pytestmark = pytest.mark.functional

_NORTH, _SOUTH = 16641, 16642
_SHORT = timedelta(seconds=10)
_DNS = ("192.0.2.53",)


def _certificate(folder: Path, authority: Authority, name: str, life: timedelta = LIFE, **who: str) -> Tls:
    """Key and certificate of `name`, reached at 127.0.0.1."""
    folder.mkdir()
    key, certificate, ca = (folder / file for file in ("host.key", "host.pem", "ca.pem"))
    subject = Subject(common_name=name, names=("127.0.0.1",), **who)
    certificate.write_text(authority.issue(make_csr(open_key(key), name), subject, life))
    ca.write_text(authority.certificate)
    return Tls(key=key, certificate=certificate, ca=ca)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The pool's CA."""
    return Authority.open(tmp_path / "ca")


@pytest.fixture
async def central(services: Plain, authority: Authority, tmp_path: Path) -> AsyncIterator[None]:
    """Both central databases listen with TLS."""
    tls = _certificate(tmp_path / "central", authority, "central")
    files = (str(tls.key), str(tls.certificate), str(tls.ca))
    tools = (("ovn-nbctl", _NORTH), ("ovn-sbctl", _SOUTH))
    for tool, port in tools:
        await sh(tool, "set-ssl", *files, "--", "set-connection", f"pssl:{port}:127.0.0.1")
    yield
    for tool, _ in tools:
        await sh(tool, "del-connection", "--", "del-ssl")


@pytest.fixture
def local_settings() -> Iterator[None]:
    """What a driver tells this host's Open vSwitch is taken back."""
    yield
    Plain().kill("ovn-controller")
    forgotten = ("external_ids", "ovn-remote", "ovn-encap-ip")
    subprocess.run(["ovs-vsctl", "del-ssl", "--", "remove", "Open_vSwitch", ".", *forgotten], check=True)
    ovs.configure_chassis()


def _settings(tls: Tls) -> OvnSettings:
    return OvnSettings(northbound=f"ssl:127.0.0.1:{_NORTH}", southbound=f"ssl:127.0.0.1:{_SOUTH}",
                       encap_address="127.0.0.1", tls=tls, timeout=5)  # fmt: skip


@pytest.mark.usefixtures("central", "local_settings")
async def test_a_host_reaches_the_databases_by_its_certificate(
    authority: Authority, services: Plain, tmp_path: Path
) -> None:
    tls = _certificate(tmp_path / "host", authority, "host1", host_id=new_id(), label="open")
    driver = OvnNetworks(_settings(tls))
    try:
        await driver.ensure_host()
        assert not (await driver.truth()).networks
        said = (await sh("ovs-vsctl", "get-ssl"))[1]
        assert str(tls.certificate) in said
        services.kill("ovn-controller")
        services.start(["ovn-controller"])  # ready means that it is connected to the southbound database
    finally:
        await driver.close()


def _one_file(tls: Tls, other: Tls) -> Tls:
    """Key and certificate in one file, as the agent keeps them; a file that is there is replaced by one rename."""
    write_whole(tls.certificate, other.certificate.read_bytes() + other.key.read_bytes())
    return Tls(key=tls.certificate, certificate=tls.certificate, ca=tls.ca)


@pytest.mark.usefixtures("central", "local_settings")
async def test_a_new_certificate_is_shown_to_the_databases(
    authority: Authority, services: Plain, tmp_path: Path
) -> None:
    """The first one expires: who still shows it is not let in."""
    old = _certificate(tmp_path / "old", authority, "host1", life=_SHORT, host_id=new_id(), label="open")
    new = _certificate(tmp_path / "new", authority, "host1", host_id=new_id(), label="open")
    expires, settings = ends(old.certificate.read_text())[1], _settings(_one_file(old, old))
    driver = OvnNetworks(settings)
    try:
        await driver.ensure_host()
        services.kill("ovn-controller")
        services.start(["ovn-controller"])
        _one_file(old, new)
        while datetime.now(UTC) <= expires:
            await asyncio.sleep(0.1)
        for tool, port in (("ovn-nbctl", _NORTH), ("ovn-sbctl", _SOUTH)):
            await sh(tool, "del-connection")
            await sh(tool, "set-connection", f"pssl:{port}:127.0.0.1")
        await _connected()
        fresh = Database(settings.northbound, "OVN_Northbound", networks.TABLES, timeout=5, tls=settings.tls)
        await fresh.run(networks.nat_networks)
        await fresh.close()
        assert not (await driver.truth()).networks
    finally:
        await driver.close()


async def _connected() -> None:
    """Until ovn-controller has the southbound database again, after it has noticed that it was gone."""
    async with asyncio.timeout(30):
        while (await sh("ovn-appctl", "-t", "ovn-controller", "connection-status"))[1].strip() != "connected":
            await asyncio.sleep(0.1)


@pytest.mark.usefixtures("central")
async def test_a_stranger_is_not_let_in(tmp_path: Path) -> None:
    strange = Authority.open(tmp_path / "other-ca")
    tls = _certificate(tmp_path / "stranger", strange, "host1", host_id=new_id(), label="open")
    database = Database(f"ssl:127.0.0.1:{_NORTH}", "OVN_Northbound", networks.TABLES, timeout=3, tls=tls)
    with pytest.raises(Unavailable):
        await database.run(networks.nat_networks)
    await database.close()


async def _bound(network: NetworkSpec) -> list[str]:
    """The chassis that OVN may choose as the way out, by priority."""
    port = f"{switch_name(network.id)}-outer"
    listed = (await sh("ovn-nbctl", "lrp-get-gateway-chassis", port))[1].splitlines()
    return [line.split()[0].removeprefix(f"{port}-") for line in listed]


async def test_a_nat_network_goes_out_by_the_first_of_its_hosts_that_lives(services: Plain) -> None:
    cidr = IPv4Network("10.20.0.0/24")
    network = NetworkSpec(id=new_id(), kind=NetworkKind.NAT, cidr=str(cidr), gateway=str(cidr[1]))
    settings = OvnSettings(southbound="unix:/run/ovn/ovnsb_db.sock")
    database = Database(settings.northbound, "OVN_Northbound", networks.TABLES)
    try:
        await database.run(lambda rows: networks.ensure_network(rows, network, _DNS, settings, "one"))
        await database.run(lambda rows: networks.ensure_network(rows, network, None, settings, "two"))
        assert await _bound(network) == ["one"]  # of two hosts a dead one would leave the other without a way out
        for _ in range(2):
            await database.run(lambda rows: networks.join(rows, network.id, "late"))
        assert await _bound(network) == ["one", "two", "late"]
        assert await database.run(lambda rows: networks.ways_out(rows, network.id)) == ["one", "two", "late"]
        for chassis, expected in (("one", [network.id]), ("late", [network.id]), ("never", []), ("", [network.id])):
            found = await database.run(lambda rows, chassis=chassis: networks.nat_networks(rows, chassis))  # type: ignore[misc]
            assert [nat.id for nat in found] == expected
        options = await database.run(lambda rows: dict(networks.dhcp_row(rows, network.id).options))  # type: ignore[union-attr]
        assert options["dns_server"] == "{192.0.2.53}"
    finally:
        await database.run(lambda rows: networks.delete_network(rows, network.id))
        await database.close()


async def test_a_sole_host_takes_over_what_another_name_of_its_made(services: Plain) -> None:
    cidr = IPv4Network("10.20.0.0/24")
    network = NetworkSpec(id=new_id(), kind=NetworkKind.NAT, cidr=str(cidr), gateway=str(cidr[1]))
    database = Database(OvnSettings.northbound, "OVN_Northbound", networks.TABLES)
    try:
        for chassis in ("before", "now"):
            await database.run(
                lambda rows, chassis=chassis: networks.ensure_network(rows, network, _DNS, OvnSettings(), chassis)  # type: ignore[misc]
            )
        assert await database.run(lambda rows: networks.ways_out(rows, network.id)) == ["now"]
    finally:
        await database.run(lambda rows: networks.delete_network(rows, network.id))
        await database.close()
