"""Outside addresses by packets: what arrives at one reaches its NIC, what the NIC sends leaves with it, and nothing
else changes."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from altus.common.errors import Conflict
from altus.common.ids import new_id
from altus.model.security_group import Direction, Protocol, SecurityRule
from altus.model.translation import PortProtocol, TranslationSpec
from devkit.services.plain import Plain
from tests.functional.ovn.dial import Answer, Conversation, becomes, dial, listening
from tests.functional.ovn.lab import OUTSIDE, WAN, Guest, Lab, Namespace, sh, until
from tests.functional.ovn.traffic import exchange, server

pytestmark = pytest.mark.functional

FLOATING, OTHER = "198.51.100.50", "198.51.100.51"
_CIDR = "10.20.0.0/24"


async def lead(lab: Lab, guest: Guest, address: str = FLOATING) -> TranslationSpec:
    """Let the address lead to the guest."""
    made = TranslationSpec(id=new_id(), network_id=guest.network.id, port_id=guest.port.id, address=address,
                           inside=guest.port.address)  # fmt: skip
    await lab.driver.ensure_translation(made)
    return made


async def _led(lab: Lab) -> tuple[Namespace, Guest, TranslationSpec]:
    """Somebody outside, and a guest with an outside address that answers there."""
    outside = await lab.outside()
    guest = await lab.guest(await lab.network(_CIDR), 2)
    await guest.reaches(str(OUTSIDE.ip))
    made = await lead(lab, guest)
    await outside.reaches(FLOATING)
    return outside, guest, made


async def _both_ways(outside: Namespace, guest: Guest, address: str = FLOATING) -> None:
    """What comes in keeps its sender; what goes out has the address."""
    async with server(guest, guest.port.address) as came:
        await exchange(outside, address)
    assert came == [str(OUTSIDE.ip)]
    async with server(outside, str(OUTSIDE.ip)) as came:
        await exchange(guest, str(OUTSIDE.ip))
    assert came == [address]


async def test_an_outside_address_leads_to_its_nic_in_both_directions(lab: Lab) -> None:
    outside, guest, _ = await _led(lab)
    neighbour = await lab.guest(guest.network, 3)
    await neighbour.reaches(str(OUTSIDE.ip))
    await _both_ways(outside, guest)
    async with server(outside, str(OUTSIDE.ip)) as came:
        await exchange(neighbour, str(OUTSIDE.ip))
    assert came == [str(WAN.ip)]  # others go on leaving with the host's
    await outside.run("ip", "route", "add", _CIDR, "via", str(WAN.ip))
    assert not await outside.pings(guest.port.address, count=2)
    assert not await outside.pings(neighbour.port.address, count=2)


async def test_a_free_address_is_answered_by_nobody_and_ends_its_connections(lab: Lab) -> None:
    outside, guest, made = await _led(lab)
    async with listening(guest, guest.port.address, 80):
        talk = await Conversation.begin(outside, FLOATING, 80)
        assert await talk.says(b"before")
        await lab.driver.delete_translation(made.id)
        assert not await talk.says(b"after")
        talk.end()
        assert not await outside.pings(FLOATING)
        async with server(outside, str(OUTSIDE.ip)) as came:
            await exchange(guest, str(OUTSIDE.ip))
        assert came == [str(WAN.ip)]


async def test_an_address_moves_to_another_nic_at_once(lab: Lab) -> None:
    outside, guest, made = await _led(lab)
    second = await lab.guest(guest.network, 3)
    await second.reaches(str(OUTSIDE.ip))
    await lab.driver.ensure_translation(replace(made, port_id=second.port.id, inside=second.port.address))
    await _both_ways(outside, second)


async def test_guests_and_the_host_reach_a_guest_by_its_outside_address(lab: Lab) -> None:
    _, guest, _ = await _led(lab)
    near = await lab.guest(guest.network, 3)
    far = await lab.guest(await lab.network("10.21.0.0/24"), 2)
    await lead(lab, far, OTHER)
    async with listening(guest, guest.port.address, 80), listening(far, far.port.address, 80):
        await becomes(near, FLOATING, 80, Answer.CONNECTED)
        await becomes(far, FLOATING, 80, Answer.CONNECTED)
        await becomes(guest, OTHER, 80, Answer.CONNECTED)
        assert await dial(guest, far.port.address, 80) is not Answer.CONNECTED  # networks themselves do not meet
    async with server(guest, guest.port.address) as came:
        await exchange(far, FLOATING)
    assert came == [OTHER]
    async with server(guest, guest.port.address) as came:
        await exchange(None, FLOATING)
    assert len(came) == 1


async def _lead_port(lab: Lab, guest: Guest, outer: int, inner: int, address: str = "") -> TranslationSpec:
    """Let a port lead to one of the guest's."""
    made = TranslationSpec(id=new_id(), network_id=guest.network.id, port_id=guest.port.id, address=address,
                           inside=guest.port.address, protocol=PortProtocol.TCP, port=outer,
                           inside_port=inner)  # fmt: skip
    await lab.driver.ensure_translation(made)
    return made


async def test_ports_of_the_host_lead_to_those_of_guests_and_no_others(lab: Lab) -> None:
    outside = await lab.outside()
    guest = await lab.guest(await lab.network(_CIDR), 2)
    near = await lab.guest(guest.network, 3)
    await guest.reaches(str(OUTSIDE.ip))
    made = await _lead_port(lab, guest, 7080, 8080)
    async with server(guest, guest.port.address) as came, listening(guest, guest.port.address, 7080):
        await becomes(outside, str(WAN.ip), 7080, Answer.CONNECTED)

        async def is_seen() -> bool:
            return bool(came)

        await until(is_seen, "the guest sees who came")
        assert set(came) == {str(OUTSIDE.ip)}
        await becomes(near, str(WAN.ip), 7080, Answer.CONNECTED)
        assert await dial(outside, str(WAN.ip), 8080) is Answer.REFUSED  # the host itself
        assert await dial(outside, str(WAN.ip), 7081) is Answer.REFUSED
        async with listening(near, near.port.address, 80):
            await _lead_port(lab, near, 7081, 80)
            talk = await Conversation.begin(outside, str(WAN.ip), 7081)
            assert await talk.says(b"before")
            await lab.driver.delete_port(near.port.id)
            assert not await talk.says(b"after")
            talk.end()
        await lab.driver.delete_translation(made.id)
        assert await dial(outside, str(WAN.ip), 7080) is Answer.REFUSED
    async with server(outside, str(OUTSIDE.ip)) as came:
        await exchange(guest, str(OUTSIDE.ip))
    assert came == [str(WAN.ip)]


async def test_ports_of_an_outside_address_lead_to_several_guests(lab: Lab) -> None:
    outside, guest, whole = await _led(lab)
    second = await lab.guest(guest.network, 3)
    await second.reaches(str(OUTSIDE.ip))
    await _lead_port(lab, second, 7080, 80, FLOATING)
    async with listening(guest, guest.port.address, 7081), listening(second, second.port.address, 80):
        await becomes(outside, FLOATING, 7080, Answer.CONNECTED)  # there is nobody but the second guest
        await becomes(outside, FLOATING, 7081, Answer.CONNECTED)  # the rest is the first one's
        await lab.driver.delete_translation(whole.id)
        await becomes(outside, FLOATING, 7080, Answer.CONNECTED)
        assert await dial(outside, FLOATING, 7081) is not Answer.CONNECTED


async def test_a_port_on_which_the_host_listens_is_refused(lab: Lab) -> None:
    guest = await lab.guest(await lab.network(_CIDR), 2)
    with socket.create_server(("", 0)) as taken, pytest.raises(Conflict) as error:
        await _lead_port(lab, guest, taken.getsockname()[1], 80)
    assert error.value.code == "translation.own_port"
    assert (await lab.driver.truth()).translations == {}


async def test_security_groups_decide_about_what_comes_in(lab: Lab) -> None:
    outside = await lab.outside()
    rule = SecurityRule(id=new_id(), direction=Direction.IN, protocol=Protocol.TCP, first_port=80, last_port=80,
                        cidr=f"{OUTSIDE.ip}/32")  # fmt: skip
    guest = await lab.guest(await lab.network(_CIDR), 2, await lab.group(rule))
    await guest.reaches(str(OUTSIDE.ip))
    await lead(lab, guest)
    async with listening(guest, guest.port.address, 80, 81):
        await becomes(outside, FLOATING, 80, Answer.CONNECTED)
        assert await dial(outside, FLOATING, 81) is Answer.SILENT
        assert not await outside.pings(FLOATING)


async def test_neighbours_learn_who_answers_now(lab: Lab) -> None:
    """The outside remembers another host for the address."""
    outside = await lab.outside()
    guest = await lab.guest(await lab.network(_CIDR), 2)
    await guest.reaches(str(OUTSIDE.ip))
    stranger = ("lladdr", "52:54:00:00:00:99")
    await outside.run("ip", "neighbour", "replace", FLOATING, *stranger, "dev", "eth0", "nud", "stale")
    await lead(lab, guest)
    assert stranger[1] not in (await outside.run("ip", "neighbour", "show", FLOATING))[1]
    await outside.reaches(FLOATING)


async def test_the_hosts_own_address_is_refused(lab: Lab) -> None:
    await lab.outside()
    guest = await lab.guest(await lab.network(_CIDR), 2)
    with pytest.raises(Conflict) as error:
        await lead(lab, guest, str(WAN.ip))
    assert error.value.code == "translation.own_address"
    assert (await lab.driver.truth()).translations == {}


async def test_asking_twice_changes_nothing_and_deleting_leaves_nothing(lab: Lab) -> None:
    _, guest, made = await _led(lab)
    plain = await _host_state(without=made, lab=lab)
    await lab.driver.ensure_translation(made)
    before = await _host_state()
    await lab.driver.ensure_translation(made)
    assert await _host_state() == before != plain
    await lab.driver.delete_port(guest.port.id)
    assert await _host_state() == plain
    assert (await lab.driver.truth()).translations == {}


async def _host_state(without: TranslationSpec | None = None, lab: Lab | None = None) -> tuple[str, str]:
    """Addresses and rules of the host."""
    if without is not None and lab is not None:
        await lab.driver.delete_translation(without.id)
    return (await sh("ip", "-brief", "-4", "address"))[1], (await sh("nft", "list", "ruleset"))[1]


@pytest.mark.parametrize("damage", ["table", "rule", "element", "address", "row"])
async def test_what_somebody_deletes_is_seen_and_comes_back(lab: Lab, damage: str) -> None:
    outside, guest, made = await _led(lab)
    commands = {
        "table": ("nft", "delete", "table", "ip", "altus"),
        "rule": ("nft", "flush", "chain", "ip", "altus", "prerouting"),
        "element": ("nft", "delete", "element", "ip", "altus", "pairs", f"{{ {FLOATING} . {guest.port.address} }}"),
        "address": ("ip", "address", "delete", f"{FLOATING}/32", "dev", "altus-ext"),
        "row": ("ovn-nbctl", "lb-del", f"altus-{made.id}"),
    }
    await lab.driver.ensure_translation(made)  # after it the driver rests
    before = await _host_state()
    await sh(*commands[damage])

    async def is_seen() -> bool:
        return (await lab.driver.truth()).translations.get(made.id) != made.words

    await until(is_seen, "it is seen")
    if damage == "row":  # nobody but the manager knows what it was
        await until(lambda: _is_silent(outside), "nobody answers")
        await lab.driver.ensure_translation(made)
    await until(lambda: _is_told(lab, made), "it is told to be right")
    assert await _host_state() == before
    await _both_ways(outside, guest)


async def _is_silent(outside: Namespace) -> bool:
    return not await outside.pings(FLOATING)


async def _is_told(lab: Lab, made: TranslationSpec) -> bool:
    return (await lab.driver.truth()).translations == {made.id: made.words}


@pytest.mark.parametrize("daemon", ["ovn-controller", "ovn-nb", "ovn-sb", "ovs-vswitchd"])
async def test_an_address_works_again_after_a_daemon_was_killed(lab: Lab, services: Plain, daemon: str) -> None:
    outside, guest, _ = await _led(lab)
    await asyncio.to_thread(services.kill, daemon)
    await asyncio.to_thread(services.start, ["ovn"])
    await outside.reaches(FLOATING, 60)
    await guest.reaches(str(OUTSIDE.ip), 60)
    await _both_ways(outside, guest)
