"""Addresses of networks and ports."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altus.common.errors import InvalidInput, LimitExceeded
from altus.common.ids import new_id
from altus.model.network import Network, check_cidr, free_address, mac_of


def _network(cidr: str, gateway: str) -> Network:
    return Network(id=new_id(), name="lan", cidr=cidr, gateway=gateway)


@pytest.mark.parametrize("cidr", ["10.20.0.0/24", "192.168.1.0/29", "10.0.0.0/8", "172.16.0.0/12"])
def test_usable_networks_are_taken(cidr: str) -> None:
    assert str(check_cidr(cidr)) == cidr


@pytest.mark.parametrize(
    "cidr",
    ["10.0.0.1/24", "10.0.0.0/30", "10.0.0.0/7", "224.0.0.0/24", "127.0.0.0/8", "169.254.0.0/16", "fd00::/64"],
)
def test_others_are_refused(cidr: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_cidr(cidr)
    assert caught.value.code == "network.cidr_invalid"


@given(st.sets(st.integers(1, 6)), st.integers(1, 6))
def test_the_lowest_free_address_is_given_until_none_is_left(taken_numbers: set[int], gateway_number: int) -> None:
    network = _network("10.0.0.0/29", f"10.0.0.{gateway_number}")
    taken = {f"10.0.0.{number}" for number in taken_numbers}
    free = [number for number in range(1, 7) if number != gateway_number and number not in taken_numbers]
    if free:
        address = free_address(network, taken)
        assert address == f"10.0.0.{free[0]}"
        assert ipaddress.IPv4Address(address) in ipaddress.IPv4Network(network.cidr)
    else:
        with pytest.raises(LimitExceeded):
            free_address(network, taken)


def test_a_ports_mac_is_its_own_and_always_the_same() -> None:
    ports = [new_id() for _ in range(500)]
    macs = [mac_of(port) for port in ports]
    assert macs == [mac_of(port) for port in ports]
    assert len(set(macs)) == len(macs)
    assert all(re.fullmatch(r"52:54:00(:[0-9a-f]{2}){3}", mac) for mac in macs)
