"""Every noun through the API, as it is used when all goes well."""

from __future__ import annotations

import pytest

from altus.common.units import MIB
from altus.drivers.image.fake import empty_qcow2
from altus.model.permission import Duty
from tests.unit.manager.api.rig import Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_vm_lives_and_dies(rig: Rig) -> None:
    vm = await rig.vm(start=True, tags=["a", "a"], description="A VM")
    path = f"/vms/{vm['id']}"
    assert (vm["state"], vm["intent"], vm["tags"], vm["host_id"]) == ("running", "running", ["a"], rig.host.id)
    assert vm["allowed_actions"]["stop"] == {"allowed": True, "reason": ""}
    assert not vm["allowed_actions"]["delete"]["allowed"]
    assert (await rig.good("GET", f"/vms/{vm['name']}"))["id"] == vm["id"]
    for verb, state in (("pause", "paused"), ("resume", "running"), ("suspend", "suspended"), ("start", "running"),
                        ("restart", "running"), ("stop", "stopped"), ("start", "running"),
                        ("kill", "stopped")):  # fmt: skip
        await rig.done("POST", f"{path}/{verb}")
        await rig.until(path, state=state)
    new = name("vm")
    await rig.done("PATCH", path, {"name": new, "vcpus": 2, "protected": True})
    assert (await rig.good("GET", path))["vcpus"] == 2
    assert (await rig.call("DELETE", path)).code == "vm.protected"
    await rig.done("PATCH", path, {"protected": False})
    copy = await rig.done("POST", f"{path}/clone", {"name": name("vm"), "linked": True})
    events = (await rig.good("GET", f"{path}/events"))["items"]
    assert events[-1]["kind"] == "vm.created"
    assert events[0]["data"]["host_id"] == rig.host.id
    for one in (vm["id"], copy["object_id"]):
        await rig.done("DELETE", f"/vms/{one}")
        assert (await rig.call("GET", f"/vms/{one}")).code == "vm.not_found"
    await rig.require_healthy()


async def test_guest_is_seen(rig: Rig) -> None:
    vm = await rig.vm(start=True)
    seen = await rig.until(f"/vms/{vm['id']}", addresses=[vm["nics"][0]["address"]])
    assert seen["guest"]["hostname"] == vm["name"]
    rig.host.hypervisor.crash(vm["id"])
    crashed = await rig.until(f"/vms/{vm['id']}", state="crashed")
    assert crashed["guest"] is None
    assert crashed["addresses"] == []


async def test_volume_is_made_attached_detached_grown_and_removed(rig: Rig) -> None:
    vm, volume = await rig.vm(), await rig.volume()
    await rig.done("PATCH", f"/vms/{vm['id']}", {"attach_volumes": [volume]})
    attached = await rig.good("GET", f"/volumes/{volume}")
    assert attached["vm_id"] == vm["id"]
    assert not attached["allowed_actions"]["delete"]["allowed"]
    assert (await rig.call("DELETE", f"/volumes/{volume}")).code == "volume.attached"
    await rig.done("POST", f"/volumes/{volume}/resize", {"size": 8 * MIB})
    await rig.done("PATCH", f"/vms/{vm['id']}", {"detach_volumes": [volume]})
    free = await rig.good("GET", f"/volumes/{volume}")
    assert (free["size"], free["vm_id"]) == (8 * MIB, None)
    await rig.done("DELETE", f"/volumes/{volume}")
    assert (await rig.call("GET", f"/volumes/{volume}")).status == 404
    await rig.require_healthy()


async def test_disk_of_a_running_vm_stays_attached(rig: Rig) -> None:
    vm = await rig.vm(start=True)
    refused = await rig.call("PATCH", f"/vms/{vm['id']}", {"detach_volumes": [vm["disks"][0]["volume_id"]]})
    assert (refused.status, refused.code) == (409, "volume.in_use")


async def test_network_is_made_used_and_removed(rig: Rig) -> None:
    body = {"name": name("net"), "cidr": "172.30.1.0/24", "dns": ["9.9.9.9"]}
    network = (await rig.done("POST", "/networks", body))["object_id"]
    shown = await rig.good("GET", f"/networks/{network}")
    assert (shown["gateway"], shown["state"], shown["dns"]) == ("172.30.1.1", "ready", ["9.9.9.9"])
    vm = await rig.vm(nics=[{"network": network}])
    assert vm["nics"][0]["address"] == "172.30.1.2"
    assert (await rig.call("DELETE", f"/networks/{network}")).code == "network.in_use"
    overlapping = {"name": name("net"), "cidr": "172.30.0.0/16"}
    assert (await rig.call("POST", "/networks", overlapping)).code == "network.cidr_overlap"
    await rig.done("PATCH", f"/vms/{vm['id']}", {"remove_nics": [vm["nics"][0]["id"]]})
    await rig.done("DELETE", f"/networks/{network}")
    assert (await rig.call("GET", f"/networks/{network}")).status == 404
    await rig.require_healthy()


async def test_reserved_addresses_are_kept_for_who_asks(rig: Rig) -> None:
    body = {"name": name("net"), "cidr": "172.31.1.0/24", "reserved": ["172.31.1.2-172.31.1.20", "172.31.1.22"]}
    network = (await rig.done("POST", "/networks", body))["object_id"]
    assert (await rig.good("GET", f"/networks/{network}"))["reserved"] == body["reserved"]
    vm = await rig.vm(nics=[{"network": network}, {"network": network, "address": "172.31.1.9"}, {"network": network}])
    assert [nic["address"] for nic in vm["nics"]] == ["172.31.1.21", "172.31.1.9", "172.31.1.24"]
    for address, code in (("172.31.1.9", "port.address_taken"), ("172.31.1.1", "port.address_invalid"),
                          ("172.31.2.9", "port.address_invalid")):  # fmt: skip
        more = {"add_nics": [{"network": network, "address": address}]}
        assert (await rig.call("PATCH", f"/vms/{vm['id']}", more)).code == code
    wrong = body | {"name": name("net"), "cidr": "172.31.3.0/24"}
    assert (await rig.call("POST", "/networks", wrong)).code == "network.range_invalid"
    await rig.done("DELETE", f"/vms/{vm['id']}")
    await rig.done("DELETE", f"/networks/{network}")


async def test_image_in_use_stays(rig: Rig) -> None:
    image = (await rig.good("POST", "/images", {"name": name("image")}))["id"]
    await rig.good("PUT", f"/images/{image}/upload", data=empty_qcow2(2 * MIB))
    await rig.done("POST", f"/images/{image}/finish")
    vm = await rig.vm(image=image)
    assert (await rig.call("DELETE", f"/images/{image}")).code == "image.in_use"
    clone = await rig.done("POST", f"/vms/{vm['id']}/clone", {"name": name("vm"), "linked": True})
    await rig.done("DELETE", f"/vms/{vm['id']}")
    refused = await rig.ended((await rig.good("DELETE", f"/images/{image}"))["id"])  # only storage knows of the clone
    assert (refused["state"], refused["error"]["code"]) == ("failed", "image.in_use")
    assert (await rig.good("GET", f"/images/{image}"))["state"] == "ready"
    await rig.done("DELETE", f"/vms/{clone['object_id']}")
    await rig.done("DELETE", f"/images/{image}")


async def test_host_and_storage_describe_themselves(rig: Rig) -> None:
    host = await rig.good("GET", "/hosts/host1")
    assert host["facts"]["acceleration"] == "tcg"
    storages = (await rig.good("GET", "/storages"))["items"]
    assert [storage["host_id"] for storage in storages] == [host["id"]]
    assert (await rig.good("GET", f"/storages/{storages[0]['name']}"))["usage"]["capacity"] > 0


async def test_tasks_and_projects_are_listed(rig: Rig) -> None:
    project = await rig.good("POST", "/projects", {"name": name("project")})
    vm = await rig.vm(project=project["name"])
    assert vm["project_id"] == project["id"]
    tasks = (await rig.good("GET", "/tasks", params={"filter": f"object_id:{vm['id']}"}))["items"]
    assert [(task["kind"], task["state"], task["progress"]) for task in tasks] == [("vm.create", "succeeded", 1.0)]
    assert (await rig.good("GET", f"/tasks/{tasks[0]['id']}/children"))["items"] == []
    assert (await rig.call("POST", f"/tasks/{tasks[0]['id']}/cancel")).code == "task.finished"
    assert project["name"] in [one["name"] for one in (await rig.good("GET", "/projects"))["items"]]


async def test_people_groups_roles_and_policies(rig: Rig) -> None:
    security = {"duty": Duty.SECURITY}
    user = await rig.good("POST", "/users", {"name": name("user"), "display_name": "Somebody"})
    assert user["password"]
    await rig.good("PATCH", f"/users/{user['id']}", {"display_name": "Someone"})
    group = await rig.good("POST", "/groups", {"name": name("group")}, **security)
    await rig.good("PUT", f"/groups/{group['id']}/members/{user['id']}", **security)
    role = {"name": name("role"), "duty": "system", "permissions": ["vm:read"]}
    await rig.good("POST", "/roles", role, **security)
    grant = {"subject_kind": "group", "subject": group["id"], "role": role["name"]}
    granted = await rig.good("POST", "/grants", grant, **security)
    details = await rig.good("GET", f"/users/{user['id']}", **security)
    assert (details["duty"], details["groups"]) == ("system", [group["name"]])
    await rig.good("DELETE", f"/grants/{granted['id']}", **security)
    await rig.good("DELETE", f"/roles/{role['name']}", **security)
    await rig.good("DELETE", f"/groups/{group['id']}/members/{user['id']}", **security)
    await rig.good("DELETE", f"/groups/{group['id']}", **security)
    await rig.good("DELETE", f"/users/{user['id']}")
    policy = await rig.good("PATCH", "/policies/session", {"values": {"idle_minutes": 31}}, **security)
    assert policy["values"]["idle_minutes"] == 31


async def test_login_token_and_logout(rig: Rig) -> None:
    user = await rig.good("POST", "/users", {"name": name("user")})
    opened = await rig.good("POST", "/sessions", {"name": user["name"], "password": user["password"]}, token="")
    assert opened["must_change_password"]
    session = opened["token"]
    assert (await rig.call("GET", "/vms", token=session)).code == "password.must_change"
    change = {"old": user["password"], "new": "Correct-Horse-7-Staple"}
    await rig.good("POST", "/password", change, token=session)
    token = await rig.good("POST", "/tokens", {"name": "mine", "expires_in": "1h"}, token=session)
    assert [one["name"] for one in (await rig.good("GET", "/tokens", token=token["token"]))["items"]] == ["mine"]
    await rig.good("DELETE", "/sessions/current", token=session)
    assert (await rig.call("GET", "/sessions", token=session)).code == "auth.invalid"
    await rig.good("DELETE", "/tokens/mine", token=token["token"])
    assert (await rig.call("GET", "/tokens", token=token["token"])).status == 401


async def test_audit_is_read_and_whole(rig: Rig) -> None:
    await rig.vm()
    audit = {"duty": Duty.AUDIT}
    query = {"filter": "action:vm.create", "sort": "-seq", "limit": "2"}
    records = await rig.good("GET", "/audit", params=query, **audit)
    assert [(one["outcome"], one["actor_name"]) for one in records["items"]] == [
        ("succeeded", "sysadmin"), ("allowed", "sysadmin"),
    ]  # fmt: skip
    assert (await rig.good("POST", "/audit/verify", **audit))["intact"]


async def test_manager_tells_of_itself(rig: Rig) -> None:
    health = await rig.good("GET", "/health", token="")
    assert (health["healthy"], health["runs_tasks"], health["hosts_up"]) == (True, True, 1)
    assert (await rig.call("GET", "/ca", token="")).body.startswith(b"-----BEGIN CERTIFICATE")
    assert b"altus_hosts{state=" in (await rig.call("GET", "/metrics")).body
