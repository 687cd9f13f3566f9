"""Addresses of networks and ports."""

from __future__ import annotations

import dataclasses
import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altus.common.errors import InvalidInput, LimitExceeded
from altus.common.ids import new_id
from altus.model.address_range import AddressRange
from altus.model.network import Network, check_cidr, free_address, mac_of, nth_address, require_host_address


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


@pytest.mark.parametrize("text", ["x", "10.0.0.9-x", "10.0.0.9-10.0.0.8", "10.0.1.0", "10.0.0.9-10.0.1.3"])
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        AddressRange.parse(text, check_cidr("10.0.0.0/24"))
    assert caught.value.code == "network.range_invalid"


@given(st.lists(st.tuples(st.integers(0, 31), st.integers(0, 31)), max_size=4), st.integers(1, 30))
def test_every_address_outside_of_reserved_ranges_is_given_in_its_order(
    ends: list[tuple[int, int]], gateway: int
) -> None:
    ranges = tuple(f"10.0.0.{min(pair)}-10.0.0.{max(pair)}" for pair in ends)
    network = dataclasses.replace(_network("10.0.0.0/27", f"10.0.0.{gateway}"), reserved=ranges)
    kept = {number for first, last in ends for number in range(min(first, last), max(first, last) + 1)} | {gateway}
    wanted = [f"10.0.0.{number}" for number in range(1, 31) if number not in kept]
    assert [nth_address(network, number) for number in range(len(wanted) + 1)] == [*wanted, None]


@pytest.mark.parametrize("address", ["10.0.0.1", "10.0.0.0", "10.0.0.31", "10.0.0.32", "nonsense", "fd00::1"])
def test_an_address_that_no_nic_may_have_is_refused(address: str) -> None:
    network = dataclasses.replace(_network("10.0.0.0/27", "10.0.0.1"), reserved=("10.0.0.2-10.0.0.9",))
    assert require_host_address(network, "10.0.0.3") == "10.0.0.3"
    with pytest.raises(InvalidInput) as caught:
        require_host_address(network, address)
    assert caught.value.code == "port.address_invalid"


def test_a_ports_mac_is_its_own_and_always_the_same() -> None:
    ports = [new_id() for _ in range(500)]
    macs = [mac_of(port) for port in ports]
    assert macs == [mac_of(port) for port in ports]
    assert len(set(macs)) == len(macs)
    assert all(re.fullmatch(r"52:54:00(:[0-9a-f]{2}){3}", mac) for mac in macs)
