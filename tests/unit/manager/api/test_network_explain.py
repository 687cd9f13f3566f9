"""`network explain` through the API: whether a packet passes, and the sentence that says why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.manager.api.rig import Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _ask(rig: Rig, sender: str, receiver: str, **fields: Any) -> Any:
    body = {"sender": sender, "receiver": receiver, "port": 80} | fields
    return await rig.good("POST", "/networks/explain", body)


async def test_the_rule_that_decides_is_named(rig: Rig) -> None:
    rule = {"direction": "in", "protocol": "tcp", "first_port": 80}
    group = await rig.done("POST", "/security-groups", {"name": name("group"), "rules": [rule]})
    shown = await rig.good("GET", f"/security-groups/{group['object_id']}")
    nics = [{"network": await rig.network(), "security_groups": [shown["id"]]}]
    member, stranger = await rig.vm(nics=nics), await rig.vm()
    passes = await _ask(rig, stranger["name"], member["name"])
    assert (passes["passes"], passes["outcome"]) == (True, "arrives")
    said = f"rule {shown['rules'][0]['id']} (allow in tcp 80 from anywhere) of security group {shown['name']}"
    assert passes["reasons"] == [f"What the other end gets: allowed by {said}.", "It arrives."]
    allowed = {"direction": "in", "security_group_id": shown["id"], "rule_id": shown["rules"][0]["id"],
               "action": "allow", "reason": passes["reasons"][0]}  # fmt: skip
    assert passes["decisions"] == [allowed]
    by_address = await _ask(rig, stranger["id"], member["nics"][0]["address"], nic=stranger["nics"][0]["mac"])
    assert by_address["reasons"] == passes["reasons"]
    refused = await _ask(rig, stranger["name"], member["name"], port=81)
    assert (refused["passes"], refused["outcome"]) == (False, "dropped")
    assert refused["reasons"][0].endswith(f"in security group {shown['name']}: no rule allows what members get.")
    assert [(one["rule_id"], one["action"]) for one in refused["decisions"]] == [("", "drop")]
    ping = {"protocol": "icmp", "port": None}
    assert not (await _ask(rig, stranger["name"], member["name"], **ping))["passes"]
    assert (await _ask(rig, member["name"], stranger["name"], **ping))["passes"]


async def test_what_leaves_a_network_passes_unless_it_is_for_another_one(rig: Rig) -> None:
    other = {"name": name("net"), "cidr": "10.77.0.0/24", "kind": "nat"}
    network = (await rig.done("POST", "/networks", other))["object_id"]
    here, there = await rig.vm(), await rig.vm(nics=[{"network": network}])
    outside = await _ask(rig, here["name"], "198.51.100.1")
    assert (outside["passes"], outside["outcome"]) == (True, "leaves")
    across = await _ask(rig, here["name"], there["name"])
    assert not across["passes"]
    assert "do not meet" in across["reasons"][-1]
    await rig.done("DELETE", f"/vms/{there['id']}")
    await rig.done("DELETE", f"/networks/{network}")


async def test_questions_without_an_answer_are_refused(rig: Rig) -> None:
    vm, bare = await rig.vm(), await rig.vm(nics=[])

    async def refused(**fields: Any) -> tuple[int, str]:
        body = {"sender": vm["name"], "receiver": "198.51.100.1", "port": 80} | fields
        answer = await rig.call("POST", "/networks/explain", body)
        return answer.status, answer.code

    assert await refused(sender="nobody") == (404, "vm.not_found")
    assert await refused(receiver="nobody") == (404, "vm.not_found")
    assert await refused(nic="52:54:00:00:00:00") == (404, "nic.not_found")
    assert await refused(sender=bare["name"]) == (409, "vm.no_nic")
    assert await refused(receiver=bare["name"]) == (409, "vm.no_nic")
    assert await refused(receiver="10.20.255.254") == (422, "network.nobody_there")
    assert await refused(port=None) == (422, "request.invalid")
    assert await refused(protocol="icmp") == (422, "request.invalid")
    assert await refused(protocol="any") == (422, "request.invalid")
    ping = {"sender": vm["name"], "receiver": "198.51.100.1", "protocol": "icmp", "port": 80}
    pinged = await rig.call("POST", "/networks/explain", ping)
    assert b": tcp and udp need a port, icmp has none." in pinged.body
    assert b"Value error" not in pinged.body


async def test_vms_that_one_may_not_see_are_not_explained(rig: Rig) -> None:
    project = (await rig.good("POST", "/projects", {"name": name("project")}))["id"]
    mine, foreign = await rig.vm(project=project), await rig.vm()
    _, viewer = await rig.user("viewer", kind="project", id=project)
    body = {"sender": mine["id"], "receiver": foreign["id"], "port": 80}
    assert (await rig.call("POST", "/networks/explain", body, token=viewer)).code == "vm.not_found"
