"""Properties of the pure rules; single cases are in the contract suite."""

from __future__ import annotations

from ipaddress import IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from altus.common.errors import AltusError, Conflict
from altus.drivers.network.rules import check_network, check_overlap, check_port
from altus.model.network import NetworkKind, NetworkSpec, PortSpec

_cidrs = st.builds(
    lambda address, prefix: IPv4Network((address, prefix), strict=False),
    st.integers(0x0A000000, 0x0AFFFFFF), st.integers(8, 29),
)  # fmt: skip


def _addresses(cidr: IPv4Network) -> set[int]:
    return set(range(int(cidr.network_address), int(cidr.broadcast_address) + 1))


@given(_cidrs.filter(lambda cidr: cidr.prefixlen > 20), _cidrs.filter(lambda cidr: cidr.prefixlen > 20))
def test_networks_overlap_when_an_address_is_in_both(one: IPv4Network, other: IPv4Network) -> None:
    try:
        check_overlap("one", one, {"one": one, "other": other})
        overlap = False
    except Conflict:
        overlap = True
    assert overlap == bool(_addresses(one) & _addresses(other))


@given(_cidrs, st.data())
def test_every_other_host_address_is_good_for_a_port(cidr: IPv4Network, data: st.DataObject) -> None:
    number = data.draw(st.integers(2, cidr.num_addresses - 2))
    port = PortSpec(id="p", network_id="n", mac="52:54:00:00:00:01", address=str(cidr[number]))
    check_port(port, cidr, str(cidr[1]), [("52:54:00:00:00:02", "10.0.0.1")])


@given(st.text(max_size=40), st.text(max_size=40), st.integers(), st.text(max_size=40))
def test_any_text_is_accepted_or_refused_with_a_code(cidr: str, gateway: str, mtu: int, dns: str) -> None:
    network = NetworkSpec(id="n", kind=NetworkKind.NAT, cidr=cidr, gateway=gateway, mtu=mtu, dns=(dns,))
    try:
        check_network(network, 1442)
    except AltusError as error:
        assert error.code.startswith("network.")  # noqa: PT017  both outcomes are right
