"""Plans write nothing, keys make requests safe to repeat, labels keep things apart."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from altus.common.ids import new_id
from altus.common.units import MIB
from altus.manager.store.database import Tx
from altus.manager.store.resources import STORAGE, VOLUME
from altus.manager.store.tables import METADATA
from altus.model.label import Label
from altus.model.permission import Duty
from altus.model.storage import Storage
from tests.unit.manager.api.rig import Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")
_MOVING = ("sessions", "api_tokens", "leases")


def _key() -> dict[str, Any]:
    return {"headers": {"Idempotency-Key": new_id()}}


async def _dump(rig: Rig) -> dict[str, list[Any]]:
    """All rows but those that time changes: last uses and the lease."""

    def look(tx: Tx) -> dict[str, list[Any]]:
        tables = [table for table in METADATA.sorted_tables if table.name not in _MOVING]
        return {table.name: [tuple(row) for row in tx.execute(sa.select(table))] for table in tables}

    return await rig.services.db.read(look)


async def test_plan_of_any_change_writes_nothing(rig: Rig) -> None:
    vm, running, volume = await rig.vm(), await rig.vm(start=True), await rig.volume()
    await rig.until(f"/vms/{running['id']}", addresses=[running["nics"][0]["address"]])
    image, network = await rig.image(), await rig.network()
    upload = await rig.good("POST", "/images", {"name": name("image")})
    changes: list[tuple[str, str, Any]] = [
        ("POST", "/vms", await rig.vm_body(start=True)),
        ("PATCH", f"/vms/{vm['id']}", {"add_nics": [{"network": network}], "attach_volumes": [volume]}),
        ("POST", f"/vms/{vm['id']}/clone", {"name": name("vm")}),
        ("DELETE", f"/vms/{vm['id']}", None),
        ("POST", f"/vms/{vm['id']}/start", None),
        *(("POST", f"/vms/{running['id']}/{verb}", None) for verb in ("stop", "restart", "kill", "pause", "suspend")),
        ("POST", "/volumes", {"name": name("volume"), "image": image}),
        ("POST", f"/volumes/{volume}/resize", {"size": 8 * MIB}),
        ("DELETE", f"/volumes/{volume}", None),
        ("POST", "/images/build", {"image": "tiny", "name": name("image")}),
        ("POST", f"/images/{upload['id']}/finish", None),
        ("DELETE", f"/images/{upload['id']}", None),
        ("POST", "/networks", {"name": name("net"), "cidr": "192.168.77.0/24"}),
    ]  # fmt: skip
    before = await _dump(rig)
    for method, path, body in changes:
        plan = await rig.good(method, path, body, params={"plan": "true"})
        assert plan["steps"], path
        assert plan["locks"], path
        assert plan["waits_for"] == []
    assert await _dump(rig) == before


async def test_plan_of_a_vm_says_where_and_why(rig: Rig) -> None:
    plan = await rig.good("POST", "/vms", await rig.vm_body(start=True), params={"plan": "true"})
    assert [step["name"] for step in plan["steps"]] == ["place", "volumes", "ports", "define", "start"]
    (placement,) = plan["details"]["placement"]
    assert (placement["host_name"], placement["chosen"]) == ("host1", True)
    assert placement["reasons"]


async def test_plan_is_refused_as_the_change_would_be(rig: Rig) -> None:
    vm = await rig.vm()
    plan: dict[str, Any] = {"params": {"plan": "true"}}
    assert (await rig.call("POST", f"/vms/{vm['id']}/stop", **plan)).code == "vm.state"
    taken = await rig.vm_body(name=vm["name"])
    assert (await rig.call("POST", "/vms", taken, **plan)).code == "vm.name_taken"
    assert (await rig.call("POST", "/vms", taken)).code == "vm.name_taken"


async def test_repeated_key_returns_the_same_task(rig: Rig) -> None:
    body, key = await rig.vm_body(), _key()
    first = await rig.good("POST", "/vms", body, **key)
    again = await rig.good("POST", "/vms", body, **key)
    assert again["id"] == first["id"]
    await rig.ended(first["id"])
    assert (await rig.good("POST", "/vms", body, **key))["state"] == "succeeded"
    other = await rig.call("POST", "/vms", {**body, "name": name("vm")}, **key)
    assert (other.status, other.code) == (409, "idempotency.reused")
    assert (await rig.call("POST", "/vms", body, params={"plan": "false"}, **key)).code == "idempotency.reused"


async def test_deletion_can_be_repeated_when_the_object_is_gone(rig: Rig) -> None:
    vm, key = await rig.vm(), _key()
    task = await rig.done("DELETE", f"/vms/{vm['id']}", **key)
    assert (await rig.call("DELETE", f"/vms/{vm['id']}")).status == 404
    assert (await rig.good("DELETE", f"/vms/{vm['id']}", **key))["id"] == task["id"]


@pytest.mark.parametrize("what", ["create", "delete"])
async def test_key_sent_many_times_at_once_makes_one_task(rig: Rig, what: str) -> None:
    key = _key()
    path, body = "/vms", await rig.vm_body()
    if what == "delete":
        path, body = f"/vms/{(await rig.vm())['id']}", {}
    method = "POST" if what == "create" else "DELETE"
    tasks = await asyncio.gather(*(rig.good(method, path, body, **key) for _ in range(20)))
    assert len({task["id"] for task in tasks}) == 1
    await rig.ended(tasks[0]["id"])
    await rig.require_healthy()


async def test_keys_of_two_accounts_do_not_meet(rig: Rig) -> None:
    _, token = await rig.user("system-administrator")
    key = _key()
    mine = await rig.good("POST", "/vms", await rig.vm_body(), **key)
    theirs = await rig.good("POST", "/vms", await rig.vm_body(), token=token, **key)
    assert mine["id"] != theirs["id"]


async def test_actions_name_the_reason_why_not(rig: Rig) -> None:
    vm = await rig.vm(protected=True)
    actions = vm["allowed_actions"]
    assert actions["start"]["allowed"]
    assert actions["stop"] == {"allowed": False, "reason": f"VM {vm['name']} is stopped."}
    assert actions["delete"]["reason"] == f"VM {vm['name']} is protected from deletion."
    _, viewer = await rig.user("viewer")
    seen = (await rig.good("GET", f"/vms/{vm['id']}", token=viewer))["allowed_actions"]
    assert {action["reason"] for action in seen.values()} >= {"You lack the permission vm:operate."}
    assert not any(action["allowed"] for action in seen.values())


async def test_labels_are_not_combined(rig: Rig) -> None:
    place = Storage(id=new_id(), name=name("secret"), label=Label.SECRET, host_id=rig.host.id)
    await rig.services.db.write(lambda tx: STORAGE.insert(tx, place))
    secret_net = {"name": name("net"), "cidr": "10.77.1.0/24", "kind": "isolated", "label": "secret"}
    secret = (await rig.done("POST", "/networks", secret_net))["object_id"]
    vm, storages = await rig.vm(), (await rig.good("GET", "/storages", params={"filter": "label:open"}))["items"]
    local = storages[0]["id"]
    refused: list[tuple[str, str, Any]] = [
        ("POST", "/vms", await rig.vm_body(nics=[{"network": secret}])),
        ("POST", "/vms", await rig.vm_body(label="secret", nics=[])),
        ("PATCH", f"/vms/{vm['id']}", {"add_nics": [{"network": secret}]}),
        ("POST", "/volumes", {"name": name("volume"), "size": 2 * MIB, "label": "internal", "storage": local}),
        ("POST", "/volumes", {"name": name("volume"), "image": await rig.image(), "label": "secret"}),
        ("POST", "/volumes", {"name": name("volume"), "size": 2 * MIB, "storage": place.id}),
        ("POST", "/images", {"name": name("image"), "label": "internal", "storage": local}),
        ("POST", "/images/build", {"image": "tiny", "name": name("image"), "storage": place.id}),
    ]  # fmt: skip
    for method, path, body in refused:
        answer = await rig.call(method, path, body)
        assert (answer.status, answer.code) == (409, "label.mismatch"), (path, body, answer)
    nowhere = await rig.call("POST", "/vms", {"name": name("vm"), "memory": 64 * MIB, "label": "controlled"})
    assert (nowhere.status, nowhere.code) == (409, "placement.no_host")
    await rig.services.db.write(lambda tx: STORAGE.delete(tx, place.id))


async def test_volume_of_another_label_is_not_attached(rig: Rig) -> None:
    vm, volume = await rig.vm(), await rig.volume()
    await rig.services.db.write(lambda tx: VOLUME.change(tx, volume, label=Label.SECRET))
    assert (await rig.call("PATCH", f"/vms/{vm['id']}", {"attach_volumes": [volume]})).code == "label.mismatch"


async def test_refusals_are_audited(rig: Rig) -> None:
    vm = await rig.vm()
    _, viewer = await rig.user("viewer")
    elsewhere = (await rig.good("POST", "/projects", {"name": name("project")}))["id"]
    _, operator = await rig.user("operator", kind="project", id=elsewhere)
    assert (await rig.call("DELETE", f"/vms/{vm['id']}", token=viewer)).status == 403
    assert (await rig.call("POST", f"/vms/{vm['id']}/stop")).code == "vm.state"
    assert (await rig.call("POST", f"/vms/{vm['id']}/start", token=operator)).status == 404
    query = {"filter": "outcome:denied,failed", "sort": "-seq", "limit": "5"}
    records = (await rig.good("GET", "/audit", params=query, duty=Duty.AUDIT))["items"]
    told = [(one["action"], one["outcome"], one["error_code"]) for one in records]
    assert ("vm.delete", "denied", "access.denied") in told
    assert ("vm.stop", "failed", "vm.state") in told
