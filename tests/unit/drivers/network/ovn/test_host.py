"""Texts the driver writes and reads on the host."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from altus.common.errors import Conflict
from altus.drivers.network.ovn.announce import announcement
from altus.drivers.network.ovn.driver import host_resolvers
from altus.drivers.network.ovn.listeners import require_unheard
from altus.drivers.network.ovn.names import NatNetwork, mac_for
from altus.drivers.network.ovn.ruleset import ruleset
from altus.model.translation import PortProtocol, TranslationSpec

_GOLDEN = Path(__file__).parents[4] / "golden" / "network" / "nat.nft"


def _nat(number: int) -> NatNetwork:
    return NatNetwork(id=f"n{number}", cidr=IPv4Network(f"10.{number}.0.0/16"), mtu=1442,
                      router=IPv4Address(f"100.64.0.{number}"))  # fmt: skip


def _leads(address: str, number: int) -> TranslationSpec:
    return TranslationSpec(id=address, network_id="n20", port_id=f"p{number}", address=address,
                           inside=f"10.20.0.{number}")  # fmt: skip


_PORTS = (
    replace(_leads("192.0.2.12", 2), protocol=PortProtocol.TCP, port=8022, inside_port=22),
    replace(_leads("", 3), protocol=PortProtocol.UDP, port=5353, inside_port=53),
)


def test_the_rules_of_nat_networks() -> None:
    assert ruleset([_nat(21), _nat(20)], "altus-ext") == _GOLDEN.read_text()


def test_the_rules_of_outside_addresses() -> None:
    assert ruleset([_nat(20)], "altus-ext", [_leads("192.0.2.10", 2), _leads("192.0.2.11", 2), _leads("192.0.2.12", 3),
                                            *_PORTS]) == (_GOLDEN.parent / "translations.nft").read_text()  # fmt: skip


def test_what_leaves_by_an_outside_address_is_announced_to_everybody() -> None:
    sent = announcement(bytes.fromhex("525400123456"), "192.0.2.10")
    assert sent.hex() == ("ffffffffffff52540012345608060001080006040001525400123456c000020a"
                          "000000000000c000020a")  # fmt: skip


_SOCKETS = """  sl  local_address rem_address   st tx_queue rx_queue
   0: 00000000:0016 00000000:0000 0A 00000000:00000000
   1: 0100007F:0050 00000000:0000 0A 00000000:00000000
   2: 00000000:1F90 0A000001:D431 01 00000000:00000000
"""


@pytest.mark.parametrize(("file", "protocol", "port", "heard"), [
    ("tcp", PortProtocol.TCP, 22, True),
    ("tcp6", PortProtocol.TCP, 22, True),
    ("tcp", PortProtocol.TCP, 80, False),  # on loopback only
    ("tcp", PortProtocol.TCP, 8080, False),  # a connection, nobody who waits
    ("tcp", PortProtocol.UDP, 22, False),
    ("tcp", PortProtocol.TCP, 23, False),
])  # fmt: skip
def test_ports_on_which_the_host_listens_are_refused(
    tmp_path: Path, file: str, protocol: PortProtocol, port: int, heard: bool
) -> None:
    (tmp_path / file).write_text(_SOCKETS)
    if not heard:
        require_unheard(protocol, port, tmp_path)
        return
    with pytest.raises(Conflict) as error:
        require_unheard(protocol, port, tmp_path)
    assert error.value.code == "translation.own_port"


def test_the_order_of_networks_changes_no_rule() -> None:
    assert ruleset([_nat(20), _nat(21)], "altus-ext") == ruleset([_nat(21), _nat(20)], "altus-ext")


def test_without_networks_the_table_goes() -> None:
    assert ruleset([], "altus-ext") == "table ip altus\ndelete table ip altus\n"


def test_resolvers_on_loopback_or_ipv6_are_of_no_use_to_vms(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("# nameserver 192.0.2.1\nnameserver 127.0.0.53\nnameserver\nnameserver fd00::1\n"
                    "search example.org\nnameserver 192.0.2.2\nnameserver 192.0.2.3 # second\n")  # fmt: skip
    assert host_resolvers(file) == ("192.0.2.2", "192.0.2.3")


def test_a_host_without_resolvers_offers_none(tmp_path: Path) -> None:
    assert host_resolvers(tmp_path / "missing") == ()


def test_macs_are_locally_administered_unicast_and_always_the_same() -> None:
    macs = {mac_for("network", str(number)) for number in range(1000)}
    assert len(macs) == 1000
    assert mac_for("network", "1") in macs
    assert all(int(mac[:2], 16) & 0b11 == 0b10 for mac in macs)
