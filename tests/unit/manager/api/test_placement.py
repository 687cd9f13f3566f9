"""Placement, tags, groups, pools and what hosts keep for themselves, through the API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from altus.common.units import GIB
from altus.model.permission import Duty
from tests.unit.manager.api.rig import Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def host(rig: Rig) -> AsyncIterator[str]:
    """The path of the rig's host, which is as before in the end."""
    path = f"/hosts/{rig.host.id}"
    yield path
    await rig.good("PATCH", path, {"tags": [], "reserved_memory": 0, "reserved_vcpus": 0, "pool": "default"})
    await rig.good("PATCH", "/pools/default", {"vcpu_ratio": 2.0})


async def test_required_tag_is_asked_for_and_given(rig: Rig, host: str) -> None:
    wanted = {"placement": {"required_tags": ["ssd"]}}
    refused = await rig.call("POST", "/vms", await rig.vm_body(**wanted))
    assert (refused.code, "no tag ssd" in refused.json["detail"]) == ("placement.no_host", True)
    assert (await rig.good("PATCH", host, {"tags": ["ssd", "ssd"]}))["tags"] == ["ssd"]
    vm = await rig.vm(**wanted)
    assert vm["placement"] == {"required_tags": ["ssd"], "forbidden_tags": [], "groups": []}


async def test_group_that_must_be_apart_keeps_a_second_member_away(rig: Rig) -> None:
    group = name("g")
    wanted = {"placement": {"groups": [{"group": group, "relation": "apart"}]}}
    first = await rig.vm(**wanted)
    refused = await rig.call("POST", "/vms", await rig.vm_body(**wanted))
    assert (refused.code, f"group {group} must be apart" in refused.json["detail"]) == ("placement.no_host", True)
    other = {"placement": {"groups": [{"group": group, "relation": "together"}]}}
    assert (await rig.call("POST", "/vms", await rig.vm_body(**other))).code == "placement.group_differs"
    assert (await rig.call("POST", "/placement/explain", other)).code == "placement.group_differs"
    explained = await rig.good("POST", "/placement/explain", {"vm": first["name"]})  # it is not in its own way
    assert explained["verdicts"][0]["chosen"]
    project = await rig.good("POST", "/projects", {"name": name("project")})
    await rig.vm(project=project["name"], **wanted)  # groups are of a project


async def test_placement_is_explained_for_a_vm_that_there_is_not(rig: Rig, host: str) -> None:
    (good,) = (await rig.good("POST", "/placement/explain", {"vcpus": 2}))["verdicts"]
    assert (good["host_id"], good["suitable"], good["chosen"]) == (rig.host.id, True, True)
    assert "vCPUs free" in " ".join(good["reasons"])
    (bad,) = (await rig.good("POST", "/placement/explain", {"vcpus": 100}))["verdicts"]
    assert (bad["suitable"], "100 vCPUs do not fit" in bad["reasons"][0]) == (False, True)
    await rig.good("PATCH", "/pools/default", {"vcpu_ratio": 64.0})
    assert (await rig.good("POST", "/placement/explain", {"vcpus": 100}))["verdicts"][0]["chosen"]
    for much in ({"reserved_memory": 257 * GIB}, {"reserved_vcpus": 4096}):
        assert (await rig.call("PATCH", host, much)).code == "host.reserved_too_much"
    await rig.good("PATCH", host, {"reserved_memory": 255 * GIB})
    (tight,) = (await rig.good("POST", "/placement/explain", {"memory": 2 * GIB}))["verdicts"]
    assert "of memory do not fit" in tight["reasons"][0]
    assert (await rig.call("POST", "/placement/explain", {"vm": "x", "vcpus": 2})).status == 422
    assert (await rig.call("POST", "/placement/explain", {"vm": "nothing"})).code == "vm.not_found"


async def test_pool_is_made_filled_emptied_and_removed(rig: Rig, host: str) -> None:
    pool = await rig.good("POST", "/pools", {"name": name("pool"), "vcpu_ratio": 4.0})
    path = f"/pools/{pool['name']}"
    assert (await rig.good("PATCH", host, {"pool": pool["name"]}))["pool_id"] == pool["id"]
    refused = await rig.call("DELETE", path)
    assert (refused.code, "host1" in refused.json["detail"]) == ("pool.in_use", True)
    grant = {"subject": (await rig.user())[0], "role": "operator", "scope": {"kind": "pool", "id": "default"}}
    assert (await rig.call("POST", "/grants", grant, duty=Duty.SECURITY)).code == "scope.pools"
    await rig.good("PATCH", host, {"pool": "default"})
    renamed = await rig.good("PATCH", path, {"name": name("pool"), "memory_ratio": 1.5})
    assert (renamed["vcpu_ratio"], renamed["memory_ratio"]) == (4.0, 1.5)
    taken = await rig.call("PATCH", f"/pools/{pool['id']}", {"name": "default"})
    assert (taken.status, taken.code) == (409, "pool.name_taken")
    assert (await rig.call("POST", "/pools", {"name": "default"})).code == "pool.name_taken"
    await rig.good("DELETE", f"/pools/{pool['id']}")
    assert (await rig.call("GET", f"/pools/{pool['id']}")).code == "pool.not_found"
    assert [one["name"] for one in (await rig.good("GET", "/pools"))["items"]] == ["default"]
    assert (await rig.call("DELETE", "/pools/default")).code == "pool.in_use"


async def test_second_pool_is_refused_while_rights_are_limited_to_the_only_one(rig: Rig) -> None:
    user, _ = await rig.user()
    grant = {"subject": user, "role": "operator", "scope": {"kind": "pool", "id": "default"}}
    given = await rig.good("POST", "/grants", grant, duty=Duty.SECURITY)
    assert (await rig.call("POST", "/pools", {"name": name("pool")})).code == "pool.scoped_rights"
    await rig.good("DELETE", f"/grants/{given['id']}", duty=Duty.SECURITY)
