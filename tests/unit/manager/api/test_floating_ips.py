"""Floating addresses through the API: given, attached, moved, refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from altus.model.permission import Duty
from tests.unit.manager.api.rig import Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")
_FIRST = "203.0.113.10"


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def outside(rig: Rig) -> AsyncIterator[None]:
    """The default pool has 30 addresses to give; afterwards none is given."""
    await rig.good("PATCH", "/pools/default", {"outside": f"{_FIRST}-203.0.113.39"})
    yield
    for one in (await rig.good("GET", "/floating-ips"))["items"]:
        if one["vm_id"]:
            await rig.done("POST", f"/floating-ips/{one['id']}/detach")
        await rig.done("DELETE", f"/floating-ips/{one['id']}")
    await rig.good("PATCH", "/pools/default", {"outside": ""})
    await rig.require_healthy()


async def _given(rig: Rig, **fields: Any) -> Any:
    task = await rig.done("POST", "/floating-ips", {"network": await rig.network()} | fields)
    return await rig.good("GET", f"/floating-ips/{task['object_id']}")


async def _refused(rig: Rig, method: str, path: str, body: Any = None) -> tuple[int, str]:
    answer = await rig.call(method, path, body)
    assert answer.json["hint"]
    return answer.status, answer.code


async def test_an_address_is_given_attached_detached_and_given_back(rig: Rig) -> None:
    floating, vm = await _given(rig), await rig.vm()
    assert (floating["address"], floating["name"], floating["state"]) == (_FIRST, _FIRST, "ready")
    assert floating["allowed_actions"]["detach"]["allowed"] is False
    path = f"/floating-ips/{_FIRST}"
    await rig.done("POST", f"{path}/attach", {"vm": vm["name"]})
    attached = await rig.good("GET", path)
    (nic,) = vm["nics"]
    assert (attached["vm_id"], attached["nic_id"], attached["inside"]) == (vm["id"], nic["id"], nic["address"])
    assert (await rig.host.network.truth()).translations == {floating["id"]: f"{_FIRST} to {nic['address']}"}
    await rig.require_healthy()
    assert await _refused(rig, "DELETE", path) == (409, "floating_ip.in_use")
    assert await _refused(rig, "POST", f"{path}/attach", {"vm": vm["id"]}) == (409, "floating_ip.attached")
    await rig.done("POST", f"{path}/detach")
    assert (await rig.host.network.truth()).translations == {}
    assert await _refused(rig, "POST", f"{path}/detach") == (409, "floating_ip.detached")
    await rig.done("DELETE", path)
    assert await _refused(rig, "GET", path) == (404, "floating_ip.not_found")


async def test_a_plan_says_what_would_be_done_and_gives_nothing(rig: Rig) -> None:
    plan = await rig.good("POST", "/floating-ips", {"network": await rig.network()}, params={"plan": "true"})
    assert [step["name"] for step in plan["steps"]] == ["give"]
    assert (await rig.good("GET", "/floating-ips"))["items"] == []


async def test_who_asks_at_once_gets_different_addresses(rig: Rig) -> None:
    given = await asyncio.gather(*(_given(rig) for _ in range(30)))
    assert len({one["address"] for one in given}) == 30
    body = {"network": await rig.network()}
    assert await _refused(rig, "POST", "/floating-ips", body) == (409, "floating_ip.exhausted")


async def test_one_address_that_many_ask_for_at_once_is_given_once(rig: Rig) -> None:
    body = {"network": await rig.network(), "address": "203.0.113.20"}
    answers = await asyncio.gather(*(rig.call("POST", "/floating-ips", body) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [202, *[409] * 7]
    for answer in answers:
        if answer.status == 202:
            await rig.ended(answer.json["id"])
        else:
            assert answer.code == "floating_ip.address_taken"


@pytest.mark.parametrize("address", ["203.0.113.9", "203.0.113.40", "10.20.0.2", "web"])
async def test_addresses_that_no_pool_declares_are_refused(rig: Rig, address: str) -> None:
    body = {"network": await rig.network(), "address": address}
    assert (await _refused(rig, "POST", "/floating-ips", body))[1] == "floating_ip.address_invalid"


async def test_it_is_for_nat_networks_and_for_vms_that_are_on_them(rig: Rig) -> None:
    body = {"name": name("net"), "cidr": "10.77.0.0/24", "kind": "isolated"}
    isolated = (await rig.done("POST", "/networks", body))["object_id"]
    assert await _refused(rig, "POST", "/floating-ips", {"network": isolated}) == (409, "floating_ip.no_way_out")
    floating = await _given(rig)
    away = await rig.vm(nics=[{"network": isolated}])
    attach = f"/floating-ips/{floating['id']}/attach"
    assert await _refused(rig, "POST", attach, {"vm": away["id"]}) == (404, "nic.not_found")
    nic = {"vm": away["id"], "nic": away["nics"][0]["id"]}
    assert await _refused(rig, "POST", attach, nic) == (409, "floating_ip.other_network")
    both = await rig.vm(nics=[{"network": await rig.network()}, {"network": await rig.network()}])
    assert await _refused(rig, "POST", attach, {"vm": both["id"]}) == (409, "nic.ambiguous")
    await rig.done("POST", attach, {"vm": both["id"], "nic": both["nics"][1]["mac"].upper()})
    shown = await rig.good("GET", f"/floating-ips/{floating['id']}")
    assert shown["nic_id"] == both["nics"][1]["id"]


async def test_a_vm_or_a_nic_that_goes_sets_its_address_free(rig: Rig) -> None:
    floating, vm = await _given(rig), await rig.vm()
    await rig.done("POST", f"/floating-ips/{floating['id']}/attach", {"vm": vm["id"]})
    await rig.done("PATCH", f"/vms/{vm['id']}", {"remove_nics": [vm["nics"][0]["id"]]})
    assert (await rig.good("GET", f"/floating-ips/{floating['id']}"))["vm_id"] == ""
    other = await rig.vm()
    await rig.done("POST", f"/floating-ips/{floating['id']}/attach", {"vm": other["id"]})
    await rig.done("DELETE", f"/vms/{other['id']}")
    shown = await rig.good("GET", f"/floating-ips/{floating['id']}")
    assert (shown["vm_id"], shown["nic_id"], shown["inside"], shown["state"]) == ("", "", "", "ready")
    assert (await rig.host.network.truth()).translations == {}


async def test_what_is_in_use_stays_and_its_users_are_named(rig: Rig) -> None:
    body = {"name": name("net"), "cidr": "10.78.0.0/24"}
    network = (await rig.done("POST", "/networks", body))["object_id"]
    await _given(rig, network=network, address="203.0.113.15")
    for method, path, change, code in (
        ("DELETE", f"/networks/{network}", None, "network.in_use"),
        ("PATCH", "/pools/default", {"outside": ""}, "pool.outside_in_use"),
        ("PATCH", "/pools/default", {"outside": "203.0.113.16-203.0.113.30"}, "pool.outside_in_use"),
    ):
        answer = await rig.call(method, path, change)
        assert (answer.status, answer.code) == (409, code)
        assert "203.0.113.15" in answer.json["detail"]
    await rig.good("PATCH", "/pools/default", {"outside": "203.0.113.15"})


async def test_outside_addresses_and_those_of_networks_do_not_overlap(rig: Rig) -> None:
    await rig.network()
    answer = await rig.call("PATCH", "/pools/default", {"outside": "10.20.0.9-10.20.0.10"})
    assert (answer.status, answer.code) == (409, "pool.outside_overlap")
    assert "lan" in answer.json["detail"]
    body = {"name": name("net"), "cidr": "203.0.113.0/24"}
    assert await _refused(rig, "POST", "/networks", body) == (409, "network.cidr_overlap")
    pool = {"name": name("pool"), "outside": "203.0.113.39-203.0.113.50"}
    assert await _refused(rig, "POST", "/pools", pool) == (409, "pool.outside_overlap")
    assert await _refused(rig, "POST", "/pools", pool | {"outside": "9-1"}) == (422, "network.range_invalid")


async def _token(rig: Rig, *permissions: str) -> str:
    """Of somebody who may do just that."""
    role = name("role")
    body = {"name": role, "duty": "system", "permissions": list(permissions)}
    await rig.good("POST", "/roles", body, duty=Duty.SECURITY)
    return (await rig.user(role))[1]


async def test_attaching_takes_the_right_to_edit_the_vm(rig: Rig) -> None:
    floating, vm = await _given(rig), await rig.vm()
    reader = await _token(rig, "vm:read", "floating_ip:read", "floating_ip:write")
    answer = await rig.call("POST", f"/floating-ips/{floating['id']}/attach", {"vm": vm["id"]}, token=reader)
    assert answer.status == 403
    stranger = await _token(rig, "vm:read")
    assert (await rig.call("GET", f"/floating-ips/{floating['id']}", token=stranger)).status in (403, 404)
