"""Networks with real guests on them: DHCP, each other, the host, the outside."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from altus.common.errors import AltusError, Conflict
from altus.model.network import NetworkKind, NetworkState
from altus.wire.resources import NetworkCreate, NetworkView
from testbed import guests
from testbed.administrator import CIDR, NETWORK, Administrator, fresh

pytestmark = pytest.mark.functional
_OUTSIDE = "203.0.113.2"


async def _network(admin: Administrator, cidr: str, **fields: object) -> NetworkView:
    body = NetworkCreate.model_validate({"name": fresh("net"), "cidr": cidr, **fields})
    await admin.altus.networks.create(body).run()
    return await admin.altus.networks.get(body.name)


@pytest.fixture
def outside() -> Iterator[str]:
    """An address beyond the host which knows no way back to the guests: only what is translated gets an answer."""
    commands = (
        "ip netns add outside",
        "ip link add to-outside type veth peer name to-host netns outside",
        "ip address add 203.0.113.1/24 dev to-outside",
        "ip link set to-outside up",
        f"ip -n outside address add {_OUTSIDE}/24 dev to-host",
        "ip -n outside link set to-host up",
    )
    for command in commands:
        subprocess.run(command.split(), check=True)
    yield _OUTSIDE
    subprocess.run(["ip", "netns", "delete", "outside"], check=True)
    subprocess.run(["ip", "link", "delete", "to-outside"], check=False, capture_output=True)


async def test_a_nat_network_joins_guests_host_and_outside(admin: Administrator, outside: str) -> None:
    guest, other = await admin.guest(), await admin.vm(start=True)
    other = await admin.answers(other.id)
    network = await admin.altus.networks.get(NETWORK)
    assert (network.state, network.cidr) == (NetworkState.READY, CIDR)
    await admin.reaches(guest.addresses[0])
    for address in (network.gateway, other.addresses[0], outside):
        await admin.run(guest.id, guests.reaching(address))


async def test_guests_of_an_isolated_network_have_only_each_other(admin: Administrator, outside: str) -> None:
    network = await _network(admin, "10.77.0.0/24", kind=NetworkKind.ISOLATED)
    first = await admin.vm(networks=[network.name], start=True)
    second = await admin.vm(networks=[network.name], start=True)
    first, second = await admin.answers(first.id), await admin.answers(second.id)
    await admin.run(first.id, guests.reaching(second.addresses[0]))
    for address in (outside, (await admin.altus.networks.get(NETWORK)).gateway):
        with pytest.raises(AssertionError):
            await admin.run(first.id, f"ping -c 1 -W 2 {address}")
    ping = subprocess.run(["ping", "-c1", "-W1", first.addresses[0]], check=False, capture_output=True)  # noqa: ASYNC221
    assert ping.returncode != 0


async def test_a_guest_cannot_speak_with_an_address_that_is_not_its_own(admin: Administrator) -> None:
    guest, other = await admin.guest(), await admin.vm(start=True)
    address = (await admin.answers(other.id)).addresses[0]
    await admin.run(guest.id, guests.reaching(address))
    await admin.run(guest.id, "ip address add 10.20.0.200/24 dev eth0")
    with pytest.raises(AssertionError, match="100% packet loss"):
        await admin.run(guest.id, f"ping -I 10.20.0.200 -c 2 -W 2 {address}")
    await admin.run(guest.id, "ip address del 10.20.0.200/24 dev eth0")
    await admin.run(guest.id, guests.reaching(address))


async def test_what_dhcp_tells_is_what_was_asked_for(admin: Administrator) -> None:
    network = await _network(admin, "10.66.0.0/24", gateway="10.66.0.254", dns=["192.0.2.53"], mtu=1300)
    vm = await admin.vm(networks=[network.name], start=True)
    vm = await admin.answers(vm.id)
    assert vm.addresses == [vm.nics[0].address]
    assert "192.0.2.53" in await admin.run(vm.id, "cat /etc/resolv.conf")
    assert "via 10.66.0.254" in await admin.run(vm.id, "ip route show default")
    assert await admin.run(vm.id, "cat /sys/class/net/eth0/mtu") == "1300"


async def test_a_full_network_refuses_one_more_and_a_used_one_is_not_deleted(admin: Administrator) -> None:
    network = await _network(admin, "10.55.0.0/29")
    vms = [await admin.vm(networks=[network.name]) for _ in range(5)]
    assert len({vm.nics[0].address for vm in vms}) == 5
    with pytest.raises(AltusError) as caught:
        await admin.vm(networks=[network.name])
    assert caught.value.code == "network.addresses_exhausted"
    with pytest.raises(Conflict) as refused:
        await admin.altus.networks.delete(network.id)
    assert refused.value.code == "network.in_use"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"cidr": CIDR}, "network.cidr_overlap"),
        ({"cidr": "10.20.0.1/24"}, "network.cidr_invalid"),
        ({"cidr": "127.0.0.0/8"}, "network.cidr_invalid"),
        ({"cidr": "10.44.0.0/24", "gateway": "10.45.0.1"}, "network.gateway_outside"),
        ({"cidr": "10.44.0.0/24", "dns": ["localhost"]}, "network.address_invalid"),
        ({"name": NETWORK, "cidr": "10.44.0.0/24"}, "network.name_taken"),
    ],
)
async def test_a_network_that_cannot_be_is_refused(admin: Administrator, fields: dict[str, object], code: str) -> None:
    with pytest.raises(AltusError) as caught:
        await _network(admin, **{"cidr": "", **fields})  # type: ignore[arg-type]
    assert caught.value.code == code
    assert caught.value.hint
