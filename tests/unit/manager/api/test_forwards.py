"""Port forwards through the API: made, refused, gone with what they lead to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.unit.manager.api.rig import Rig

pytestmark = pytest.mark.asyncio(loop_scope="session")
_FLOATING = "203.0.113.60"


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def floating(rig: Rig) -> AsyncIterator[str]:
    """The id of a floating address; afterwards there is none, and no forward."""
    await rig.good("PATCH", "/pools/default", {"outside": f"{_FLOATING}-203.0.113.69"})
    task = await rig.done("POST", "/floating-ips", {"network": await rig.network(), "address": _FLOATING})
    yield str(task["object_id"])
    for one in (await rig.good("GET", "/forwards"))["items"]:
        await rig.done("DELETE", f"/forwards/{one['id']}")
    await rig.done("DELETE", f"/floating-ips/{_FLOATING}")
    await rig.good("PATCH", "/pools/default", {"outside": ""})
    await rig.require_healthy()


async def _body(rig: Rig, vm: Any, **fields: Any) -> dict[str, Any]:
    return {"network": await rig.network(), "port": 8022, "vm": vm["id"], "to_port": 22} | fields


async def test_a_forward_lives_and_dies(rig: Rig) -> None:
    vm = await rig.vm()
    made = await rig.done("POST", "/forwards", await _body(rig, vm))
    shown = await rig.good("GET", "/forwards/tcp-8022")
    assert (shown["id"], shown["state"], shown["inside"]) == (made["object_id"], "ready", vm["nics"][0]["address"])
    told = (await rig.host.network.truth()).translations
    assert told == {shown["id"]: f"tcp host:8022 to {shown['inside']}:22"}
    await rig.require_healthy()
    await rig.done("DELETE", "/forwards/tcp-8022")
    assert (await rig.host.network.truth()).translations == {}
    assert (await rig.call("GET", "/forwards/tcp-8022")).code == "forward.not_found"


async def test_a_port_that_is_taken_is_refused_and_its_holder_named(rig: Rig) -> None:
    vm, other = await rig.vm(), await rig.vm()
    await rig.done("POST", "/forwards", await _body(rig, vm))
    answer = await rig.call("POST", "/forwards", await _body(rig, other))
    assert (answer.status, answer.code) == (409, "forward.port_taken")
    assert vm["name"] in answer.json["detail"]
    for fields in ({"protocol": "udp"}, {"port": 8023}, {"address": _FLOATING}):
        await rig.done("POST", "/forwards", await _body(rig, other, **fields))
    names = {one["name"] for one in (await rig.good("GET", "/forwards"))["items"]}
    assert names == {"tcp-8022", "udp-8022", "tcp-8023", f"{_FLOATING}-tcp-8022"}


async def test_one_port_that_many_ask_for_at_once_is_led_once(rig: Rig) -> None:
    body = await _body(rig, await rig.vm())
    answers = await asyncio.gather(*(rig.call("POST", "/forwards", body) for _ in range(6)))
    assert sorted(answer.status for answer in answers) == [202, *[409] * 5]
    (task,) = [answer.json["id"] for answer in answers if answer.status == 202]
    assert (await rig.ended(task))["state"] == "succeeded"


async def test_what_is_in_use_stays_and_its_users_are_named(rig: Rig, floating: str) -> None:
    vm = await rig.vm()
    await rig.done("POST", "/forwards", await _body(rig, vm, address=floating))
    answer = await rig.call("DELETE", f"/floating-ips/{floating}")
    assert (answer.status, answer.code) == (409, "floating_ip.in_use")
    assert f"{_FLOATING}-tcp-8022" in answer.json["detail"]


async def test_forwards_go_with_their_vm_and_the_plan_says_so(rig: Rig, floating: str) -> None:
    vm = await rig.vm()
    await rig.done("POST", "/forwards", await _body(rig, vm))
    await rig.done("POST", f"/floating-ips/{floating}/attach", {"vm": vm["id"]})
    plan = await rig.good("DELETE", f"/vms/{vm['id']}", params={"plan": "true"})
    assert plan["details"] == {"floating addresses set free": [_FLOATING], "port forwards deleted": ["tcp-8022"]}
    await rig.done("DELETE", f"/vms/{vm['id']}")
    assert (await rig.good("GET", "/forwards"))["items"] == []
    assert (await rig.good("GET", f"/floating-ips/{floating}"))["vm_id"] == ""
    assert (await rig.host.network.truth()).translations == {}


@pytest.mark.parametrize("fields", [{"port": 0}, {"port": 65536}, {"to_port": 0}, {"protocol": "icmp"}], ids=str)
async def test_what_makes_no_sense_is_refused(rig: Rig, fields: dict[str, Any]) -> None:
    assert (await rig.call("POST", "/forwards", await _body(rig, await rig.vm(), **fields))).status == 422
