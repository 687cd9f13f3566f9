"""Security groups through the API: made, used, changed, refused."""

from __future__ import annotations

from typing import Any

import pytest

from altus.model.security_group import MAX_GROUPS, MAX_RULES
from tests.unit.manager.api.rig import Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")
_WEB = {"direction": "in", "protocol": "tcp", "first_port": 443}


async def _group(rig: Rig, *rules: dict[str, Any], **fields: Any) -> str:
    body = {"name": name("group"), "rules": list(rules)} | fields
    return str((await rig.done("POST", "/security-groups", body))["object_id"])


async def test_group_lives_and_dies(rig: Rig) -> None:
    remote = await _group(rig)
    group = await _group(rig, _WEB, {"direction": "in", "protocol": "icmp", "group": remote, "log": True})
    path = f"/security-groups/{group}"
    shown = await rig.good("GET", path)
    assert shown["state"] == "ready"
    assert [(rule["first_port"], rule["last_port"], rule["remote_group_id"]) for rule in shown["rules"]] == [
        (443, 443, ""),
        (None, None, remote),
    ]
    changed = {
        "name": name("group"),
        "remove_rules": [shown["rules"][1]["id"]],
        "add_rules": [{"direction": "out", "action": "reject", "cidr": "2001:db8::/32", "priority": 500}],
    }
    await rig.done("PATCH", path, changed)
    after = await rig.good("GET", f"/security-groups/{changed['name']}")
    assert [rule["cidr"] for rule in after["rules"]] == ["", "2001:db8::/32"]
    assert group in [one["id"] for one in (await rig.good("GET", "/security-groups"))["items"]]
    for one in (group, remote):
        await rig.done("DELETE", f"/security-groups/{one}")
        assert (await rig.call("GET", f"/security-groups/{one}")).code == "security_group.not_found"
    await rig.require_healthy()


async def test_nics_join_and_leave_and_keep_their_groups_from_being_deleted(rig: Rig) -> None:
    web, db = await _group(rig), await _group(rig)
    nics = [{"network": await rig.network(), "security_groups": [web, web]}]
    vm = await rig.vm(nics=nics, start=True)
    (nic,) = vm["nics"]
    assert nic["security_groups"] == [web]
    refused = await rig.call("DELETE", f"/security-groups/{web}")
    assert (refused.status, refused.code) == (409, "security_group.in_use")
    assert f"VM {vm['name']}" in refused.json["detail"]
    await rig.done("PATCH", f"/vms/{vm['id']}/nics/{nic['mac'].upper()}", {"security_groups": [db]})
    after = await rig.good("GET", f"/vms/{vm['id']}")
    assert (after["nics"][0]["security_groups"], after["restart_pending"]) == ([db], False)
    await rig.done("DELETE", f"/security-groups/{web}")
    assert (await rig.host.network.truth()).memberships[nic["id"]] == [db]
    await rig.done("POST", f"/vms/{vm['id']}/kill")
    copy = await rig.done("POST", f"/vms/{vm['id']}/clone", {"name": name("vm"), "linked": True})
    clone = await rig.good("GET", f"/vms/{copy['object_id']}")
    assert clone["nics"][0]["security_groups"] == [db]
    unknown = await rig.call("PATCH", f"/vms/{vm['id']}/nics/nope", {"security_groups": []})
    assert (unknown.status, unknown.code) == (404, "nic.not_found")
    await rig.require_healthy()


async def test_a_nic_is_limited_while_its_vm_runs_and_its_copy_is_too(rig: Rig) -> None:
    vm = await rig.vm(start=True)
    path, nic = f"/vms/{vm['id']}", vm["nics"][0]["id"]
    limits = {"limit_in": {"rate": 50_000, "burst": 5_000}, "limit_out": {"rate": 64}}
    await rig.done("PATCH", f"{path}/nics/{nic}", limits)
    after = await rig.good("GET", path)
    assert after["nics"][0]["limit_in"] == {"rate": 50_000, "burst": 5_000}
    assert (after["nics"][0]["limit_out"], after["restart_pending"]) == ({"rate": 64, "burst": 0}, False)
    told = "in 50000 kbit/s, 5000 kbit at once; out 64 kbit/s, 64 kbit at once"
    assert (await rig.host.network.truth()).limits[nic] == told
    await rig.done("POST", f"{path}/kill")
    copy = await rig.done("POST", f"{path}/clone", {"name": name("vm"), "linked": True})
    clone = await rig.good("GET", f"/vms/{copy['object_id']}")
    assert clone["nics"][0]["limit_out"] == {"rate": 64, "burst": 0}
    await rig.done("PATCH", f"{path}/nics/{nic}", {"limit_in": {"rate": 0}})
    last = (await rig.good("GET", path))["nics"][0]
    assert (last["limit_in"], last["limit_out"]["rate"]) == (None, 64)
    for wrong in ({"rate": 63}, {"rate": -1}, {"rate": 10**9}, {"burst": 1}):
        assert (await rig.call("PATCH", f"{path}/nics/{nic}", {"limit_in": wrong})).status == 422
    await rig.require_healthy()


async def test_groups_do_not_name_each_other_in_a_loop(rig: Rig) -> None:
    one = await _group(rig)
    two = await _group(rig, {"direction": "in", "group": one})
    three = await _group(rig, {"direction": "in", "group": two})
    loop = await rig.call("PATCH", f"/security-groups/{one}", {"add_rules": [{"direction": "out", "group": three}]})
    assert (loop.status, loop.code) == (409, "security_group.loop")
    assert loop.json["detail"].count("→") == 3
    itself = {"add_rules": [{"direction": "in", "action": "drop", "group": one}]}
    await rig.done("PATCH", f"/security-groups/{one}", itself)
    assert (await rig.call("DELETE", f"/security-groups/{two}")).code == "security_group.in_use"


@pytest.mark.parametrize(
    ("rule", "status", "code"),
    [
        ({"direction": "in", "first_port": 80}, 422, "security_group.rule_invalid"),
        ({"direction": "in", "cidr": "10.0.0.1/8"}, 422, "security_group.rule_invalid"),
        ({"direction": "in", "protocol": "tcp", "first_port": 9, "last_port": 8}, 422, "security_group.rule_invalid"),
        ({"direction": "in", "group": "no-such-group"}, 404, "security_group.not_found"),
        ({"direction": "in", "priority": 501}, 422, "request.invalid"),
        ({"direction": "sideways"}, 422, "request.invalid"),
        ({"direction": "in", "protocol": "tcp", "first_port": 65536}, 422, "request.invalid"),
    ],
    ids=str,
)
async def test_rules_that_mean_nothing_are_refused(rig: Rig, rule: dict[str, Any], status: int, code: str) -> None:
    group = await _group(rig)
    for answer in (
        await rig.call("POST", "/security-groups", {"name": name("group"), "rules": [rule]}),
        await rig.call("PATCH", f"/security-groups/{group}", {"add_rules": [rule]}),
    ):
        assert (answer.status, answer.code) == (status, code)
    assert (await rig.good("GET", f"/security-groups/{group}"))["rules"] == []


async def test_too_much_is_refused(rig: Rig) -> None:
    def rules(count: int) -> list[dict[str, Any]]:
        return [{"direction": "in", "protocol": "tcp", "first_port": port} for port in range(1, count + 1)]

    many = await rig.call("POST", "/security-groups", {"name": name("group"), "rules": rules(10_000)})
    assert 400 <= many.status < 500
    group = await _group(rig, *rules(MAX_RULES))
    more = await rig.call("PATCH", f"/security-groups/{group}", {"add_rules": [_WEB | {"priority": 7}]})
    assert more.code == "security_group.too_many_rules"
    twice = await rig.call("POST", "/security-groups", {"name": name("group"), "rules": [_WEB, _WEB]})
    assert (twice.status, twice.code) == (409, "security_group.rule_twice")
    vm = await rig.vm()
    groups = {"security_groups": [group] * (MAX_GROUPS + 1)}
    assert (await rig.call("PATCH", f"/vms/{vm['id']}/nics/{vm['nics'][0]['id']}", groups)).status == 422


async def test_who_may_only_look_changes_nothing_and_foreign_groups_do_not_exist(rig: Rig) -> None:
    project = (await rig.good("POST", "/projects", {"name": name("project")}))["id"]
    group, foreign = await _group(rig, project=project), await _group(rig)
    _, viewer = await rig.user("viewer", kind="project", id=project)
    assert (await rig.call("GET", f"/security-groups/{group}", token=viewer)).status == 200
    assert (await rig.call("PATCH", f"/security-groups/{group}", {"name": "x"}, token=viewer)).status == 403
    assert (await rig.call("GET", f"/security-groups/{foreign}", token=viewer)).status == 404


async def test_labels_are_not_mixed(rig: Rig) -> None:
    secret = await _group(rig, label="secret")
    vm = await rig.vm()
    path = f"/vms/{vm['id']}/nics/{vm['nics'][0]['id']}"
    assert (await rig.call("PATCH", path, {"security_groups": [secret]})).code == "label.mismatch"
    mixed = {"name": name("group"), "rules": [{"direction": "in", "group": secret}]}
    assert (await rig.call("POST", "/security-groups", mixed)).code == "label.mismatch"
