"""Routers between networks through the API: made, used, refused."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from altus.model.permission import Duty
from tests.unit.manager.api.rig import Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")
_numbers = itertools.count(1)


async def _network(rig: Rig, cidr: str = "") -> Any:
    body = {"name": name("net"), "cidr": cidr or f"10.90.{next(_numbers)}.0/24", "kind": "isolated"}
    task = await rig.done("POST", "/networks", body)
    return await rig.good("GET", f"/networks/{task['object_id']}")


async def _router(rig: Rig, *networks: Any) -> Any:
    made = (await rig.done("POST", "/routers", {"name": name("router")}))["object_id"]
    for network in networks:
        await rig.done("POST", f"/routers/{made}/attach", {"network": network["name"]})
    return await rig.good("GET", f"/routers/{made}")


async def _remove(rig: Rig, router: Any, *networks: Any) -> None:
    for network_id in (await rig.good("GET", f"/routers/{router['id']}"))["networks"]:
        await rig.done("POST", f"/routers/{router['id']}/detach", {"network": network_id})
    await rig.done("DELETE", f"/routers/{router['id']}")
    for network in networks:
        await rig.done("DELETE", f"/networks/{network['id']}")
    assert (await rig.host.network.truth()).routers == {}
    await rig.require_healthy()


async def test_a_router_lives_and_dies(rig: Rig) -> None:
    one, two = await _network(rig), await _network(rig)
    router = await _router(rig, one, two)
    assert (router["networks"], router["state"]) == ([one["id"], two["id"]], "ready")
    assert router["allowed_actions"]["delete"]["allowed"] is False
    assert (await rig.host.network.truth()).routers == {router["id"]: " ".join(sorted((one["id"], two["id"])))}
    await rig.require_healthy()
    await _remove(rig, router, one, two)
    assert (await rig.call("GET", f"/routers/{router['name']}")).code == "router.not_found"


async def test_what_is_in_use_stays_and_its_users_are_named(rig: Rig) -> None:
    network = await _network(rig)
    router = await _router(rig, network)
    for path, named, code in (
        (f"/routers/{router['id']}", network["name"], "router.in_use"),
        (f"/networks/{network['id']}", router["name"], "network.in_use"),
    ):
        answer = await rig.call("DELETE", path)
        assert (answer.status, answer.code) == (409, code)
        assert named in answer.json["detail"]
    await _remove(rig, router, network)


async def test_a_network_is_put_on_one_router_once_and_apart_from_its_like(rig: Rig) -> None:
    network = await _network(rig, "10.91.0.0/24")
    same = await _network(rig, "10.91.0.0/16")
    router, other = await _router(rig, network), await _router(rig)
    for target, member, code, named in (
        (router, network, "router.network_taken", router["name"]),
        (other, network, "router.network_taken", router["name"]),
        (router, same, "router.cidr_overlap", network["name"]),
    ):
        answer = await rig.call("POST", f"/routers/{target['id']}/attach", {"network": member["id"]})
        assert (answer.status, answer.code) == (409, code)
        assert named in answer.json["detail"]
    answer = await rig.call("POST", f"/routers/{other['id']}/detach", {"network": network["id"]})
    assert (answer.status, answer.code) == (409, "router.not_attached")
    await rig.done("DELETE", f"/routers/{other['id']}")
    await _remove(rig, router, network, same)


async def test_putting_a_network_on_takes_the_right_to_change_it(rig: Rig) -> None:
    network = await _network(rig)
    router = await _router(rig)
    role = name("role")
    body = {"name": role, "duty": "system", "permissions": ["network:read", "router:read", "router:write"]}
    await rig.good("POST", "/roles", body, duty=Duty.SECURITY)
    _, token = await rig.user(role)
    path = f"/routers/{router['id']}/attach"
    assert (await rig.call("POST", path, {"network": network["id"]}, token=token)).status == 403
    await _remove(rig, router, network)


async def test_a_packet_passes_between_networks_on_a_router(rig: Rig) -> None:
    one, two = await _network(rig), await _network(rig)
    sender, receiver = [await rig.vm(nics=[{"network": network["id"]}]) for network in (one, two)]
    question = {"sender": sender["id"], "receiver": receiver["id"], "port": 80}
    assert (await rig.good("POST", "/networks/explain", question))["passes"] is False
    router = await _router(rig, one, two)
    assert (await rig.good("POST", "/networks/explain", question))["passes"] is True
    for vm in (sender, receiver):
        await rig.done("DELETE", f"/vms/{vm['id']}")
    await _remove(rig, router, one, two)
