"""What every network driver does with outside addresses that lead to NICs, the fake included."""

from __future__ import annotations

from dataclasses import replace

import pytest

from altus.common.errors import Conflict, NotFound
from altus.common.ids import new_id
from altus.model.network import NetworkKind, NetworkSpec, PortSpec
from altus.model.translation import PortProtocol, TranslationSpec
from tests.contract.network_rigs import Subject, port_of, refusal, spec


async def _port(subject: Subject, network: NetworkSpec, number: int = 2) -> PortSpec:
    port = port_of(network, number)
    await subject.driver.ensure_port(port)
    return port


async def _network(subject: Subject, kind: NetworkKind = NetworkKind.NAT) -> NetworkSpec:
    network = spec(kind=kind)
    await subject.driver.ensure_network(network)
    return network


def translation_of(port: PortSpec, address: str = "192.0.2.10") -> TranslationSpec:
    """One that leads the address to the port."""
    return TranslationSpec(id=new_id(), network_id=port.network_id, port_id=port.id, address=address,
                           inside=port.address)  # fmt: skip


async def _told(subject: Subject) -> dict[str, str]:
    return (await subject.driver.truth()).translations


async def test_a_translation_can_be_asked_for_twice_and_deleted_twice(subject: Subject) -> None:
    port = await _port(subject, await _network(subject))
    one = translation_of(port)
    for _ in range(2):
        await subject.driver.ensure_translation(one)
        assert await _told(subject) == {one.id: one.words}
    for _ in range(2):
        await subject.driver.delete_translation(one.id)
        assert await _told(subject) == {}


async def test_a_translation_moves_to_another_nic(subject: Subject) -> None:
    network = await _network(subject)
    first, second = await _port(subject, network, 2), await _port(subject, network, 3)
    one = translation_of(first)
    await subject.driver.ensure_translation(one)
    moved = replace(one, port_id=second.id, inside=second.address)
    await subject.driver.ensure_translation(moved)
    assert await _told(subject) == {one.id: moved.words}
    await subject.driver.delete_port(first.id)
    assert await _told(subject) == {one.id: moved.words}


async def test_two_addresses_may_lead_to_one_nic(subject: Subject) -> None:
    port = await _port(subject, await _network(subject))
    both = [translation_of(port, f"192.0.2.{number}") for number in (10, 11)]
    for one in both:
        await subject.driver.ensure_translation(one)
    assert await _told(subject) == {one.id: one.words for one in both}


async def test_an_address_leads_to_one_nic_only(subject: Subject) -> None:
    network = await _network(subject)
    one = translation_of(await _port(subject, network, 2))
    other = translation_of(await _port(subject, network, 3))
    await subject.driver.ensure_translation(one)
    assert await refusal(subject.driver.ensure_translation(other), Conflict) == "translation.taken"
    assert await _told(subject) == {one.id: one.words}
    await subject.driver.delete_translation(one.id)
    await subject.driver.ensure_translation(other)
    assert await _told(subject) == {other.id: other.words}


async def test_each_port_of_an_address_leads_elsewhere(subject: Subject) -> None:
    network = await _network(subject)
    first, second = await _port(subject, network, 2), await _port(subject, network, 3)
    every = [
        translation_of(first),
        replace(translation_of(second), protocol=PortProtocol.TCP, port=80, inside_port=8080),
        replace(translation_of(second), protocol=PortProtocol.UDP, port=80, inside_port=80),
        replace(translation_of(second, ""), protocol=PortProtocol.TCP, port=7080, inside_port=80),
        replace(translation_of(first, ""), protocol=PortProtocol.TCP, port=7081, inside_port=80),
    ]
    for one in every:
        await subject.driver.ensure_translation(one)
    assert await _told(subject) == {one.id: one.words for one in every}
    for one in every:
        refused = subject.driver.ensure_translation(replace(one, id=new_id()))
        assert await refusal(refused, Conflict) == "translation.taken"
    await subject.driver.delete_port(second.id)
    assert await _told(subject) == {one.id: one.words for one in every if one.port_id == first.id}


async def test_a_translation_goes_with_its_port(subject: Subject) -> None:
    port = await _port(subject, await _network(subject))
    await subject.driver.ensure_translation(translation_of(port))
    await subject.driver.delete_port(port.id)
    assert await _told(subject) == {}


@pytest.mark.parametrize("missing", ["network", "port"])
async def test_what_it_leads_to_must_be_there(subject: Subject, missing: str) -> None:
    network = await _network(subject)
    port = port_of(network)
    one = translation_of(port)
    if missing == "network":
        one = replace(one, network_id=new_id())
    assert await refusal(subject.driver.ensure_translation(one), NotFound) == f"{missing}.not_found"
    assert await _told(subject) == {}


async def test_an_isolated_network_has_no_way_in(subject: Subject) -> None:
    port = await _port(subject, await _network(subject, NetworkKind.ISOLATED))
    refused = subject.driver.ensure_translation(translation_of(port))
    assert await refusal(refused, Conflict) == "translation.no_way_out"


async def test_translations_change_the_sign(subject: Subject) -> None:
    port = await _port(subject, await _network(subject))
    one, before = translation_of(port), await subject.driver.sign()
    await subject.driver.ensure_translation(one)
    during = await subject.driver.sign()
    await subject.driver.delete_translation(one.id)
    assert len({before, during, await subject.driver.sign()}) == 3
