"""What every network driver does with routers between networks, the fake included."""

from __future__ import annotations

from dataclasses import replace

from altus.common.errors import Conflict, NotFound
from altus.common.ids import new_id
from altus.model.network import NetworkKind, NetworkSpec
from altus.model.router import RouterSpec
from tests.contract.network_rigs import Subject, refusal, spec


async def _networks(subject: Subject, *cidrs: str, kind: NetworkKind = NetworkKind.ISOLATED) -> list[NetworkSpec]:
    made = [spec(cidr, kind) for cidr in cidrs]
    for network in made:
        await subject.driver.ensure_network(network)
    return made


def router_of(*networks: NetworkSpec) -> RouterSpec:
    """One with these networks."""
    return RouterSpec(id=new_id(), networks=tuple(network.id for network in networks))


async def _told(subject: Subject) -> dict[str, str]:
    return (await subject.driver.truth()).routers


async def test_a_router_can_be_asked_for_twice_and_deleted_twice(subject: Subject) -> None:
    router = router_of(*await _networks(subject, "10.30.0.0/24", "10.31.0.0/24"))
    for _ in range(2):
        await subject.driver.ensure_router(router)
        assert await _told(subject) == {router.id: router.words}
    for _ in range(2):
        await subject.driver.delete_router(router.id)
        assert await _told(subject) == {}


async def test_networks_come_and_go(subject: Subject) -> None:
    one, two = await _networks(subject, "10.30.0.0/24", "10.31.0.0/24")
    (nat,) = await _networks(subject, "10.20.0.0/24", kind=NetworkKind.NAT)
    router = router_of()
    for members in ((), (one,), (one, nat), (one, nat, two), (two,), (two, one), ()):
        router = replace(router, networks=tuple(member.id for member in members))
        await subject.driver.ensure_router(router)
        assert await _told(subject) == {router.id: router.words}


async def test_a_network_that_is_made_again_stays_on_its_router(subject: Subject) -> None:
    (isolated,) = await _networks(subject, "10.30.0.0/24")
    (nat,) = await _networks(subject, "10.20.0.0/24", kind=NetworkKind.NAT)
    router = router_of(isolated, nat)
    await subject.driver.ensure_router(router)
    for network in (isolated, nat):
        await subject.driver.ensure_network(network)
        assert await _told(subject) == {router.id: router.words}


async def test_a_network_is_on_one_router_at_most(subject: Subject) -> None:
    one, two = await _networks(subject, "10.30.0.0/24", "10.31.0.0/24")
    router, other = router_of(one), router_of(two)
    for each in (router, other):
        await subject.driver.ensure_router(each)
    both = replace(other, networks=(one.id, two.id))
    assert await refusal(subject.driver.ensure_router(both), Conflict) == "router.network_taken"
    assert await _told(subject) == {router.id: router.words, other.id: other.words}
    await subject.driver.delete_router(router.id)
    await subject.driver.ensure_router(both)
    assert await _told(subject) == {other.id: both.words}


async def test_networks_with_addresses_in_common_are_refused(subject: Subject) -> None:
    one, same = await _networks(subject, "10.30.0.0/24", "10.30.0.0/25")
    assert await refusal(subject.driver.ensure_router(router_of(one, same)), Conflict) == "router.cidr_overlap"
    assert await _told(subject) == {}


async def test_a_network_must_be_there_and_stays_while_it_is_on_a_router(subject: Subject) -> None:
    (network,) = await _networks(subject, "10.30.0.0/24")
    assert await refusal(subject.driver.ensure_router(router_of(spec())), NotFound) == "network.not_found"
    router = router_of(network)
    await subject.driver.ensure_router(router)
    assert await refusal(subject.driver.delete_network(network.id), Conflict) == "network.in_use"
    await subject.driver.ensure_router(replace(router, networks=()))
    await subject.driver.delete_network(network.id)


async def test_routers_change_the_sign(subject: Subject) -> None:
    router, before = router_of(), await subject.driver.sign()
    await subject.driver.ensure_router(router)
    during = await subject.driver.sign()
    await subject.driver.delete_router(router.id)
    assert len({before, during, await subject.driver.sign()}) == 3
