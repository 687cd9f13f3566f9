"""Snapshots through the API: taken, listed, gone back to, deleted, refused."""

from __future__ import annotations

import pytest

from tests.unit.manager.api.rig import Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_snapshot_lives_and_dies(rig: Rig) -> None:
    vm = await rig.vm()
    path = f"/vms/{vm['id']}/snapshots"
    for one in ("first", "second"):
        await rig.done("POST", path, {"name": one, "description": f"the {one}"})
    first = await rig.good("GET", f"{path}/first")
    listed = (await rig.good("GET", path, params={"sort": "created_at"}))["items"]
    assert [(one["name"], one["parent_id"], one["current"]) for one in listed] == [
        ("first", None, False),
        ("second", first["id"], True),
    ]
    assert [disk["volume_id"] for disk in first["disks"]] == [disk["volume_id"] for disk in vm["disks"]]
    assert (first["state"], first["description"], first["memory"]) == ("ready", "the first", vm["memory"])
    await rig.done("POST", f"{path}/first/revert")
    assert (await rig.good("GET", f"/vms/{vm['id']}"))["snapshot_id"] == first["id"]
    for one in ("first", "second"):
        await rig.done("DELETE", f"{path}/{one}")
        assert (await rig.call("GET", f"{path}/{one}")).code == "snapshot.not_found"
    await rig.require_healthy()
    await rig.done("DELETE", f"/vms/{vm['id']}")


async def test_what_is_allowed_follows_the_vm(rig: Rig) -> None:
    vm = await rig.vm()
    path = f"/vms/{vm['id']}/snapshots"
    await rig.done("POST", path, {"name": "first"})
    assert all(one["allowed"] for one in (await rig.good("GET", f"{path}/first"))["allowed_actions"].values())
    await rig.done("POST", f"/vms/{vm['id']}/start")
    allowed = (await rig.good("GET", f"{path}/first"))["allowed_actions"]
    assert allowed["revert"]["allowed"]
    assert allowed["delete"] == {"allowed": False, "reason": f"VM {vm['name']} is running."}
    await rig.done("POST", f"/vms/{vm['id']}/kill")
    await rig.done("DELETE", f"/vms/{vm['id']}")
    assert (await rig.call("GET", path)).code == "vm.not_found"


async def test_a_plan_tells_and_changes_nothing(rig: Rig) -> None:
    vm = await rig.vm()
    path = f"/vms/{vm['id']}/snapshots"
    plan = await rig.good("POST", path, {"name": name("snap")}, params={"plan": "true"})
    assert [step["name"] for step in plan["steps"]] == ["freeze", "define", "store"]
    assert (await rig.good("GET", path))["items"] == []
    await rig.done("DELETE", f"/vms/{vm['id']}")
