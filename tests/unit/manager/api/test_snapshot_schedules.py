"""Snapshot schedules through the API: made, run by themselves and by hand, changed, deleted, refused."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from altus.common.ids import new_id
from altus.manager.store.resources import SNAPSHOT_SCHEDULE
from altus.model.permission import Duty
from tests.unit.manager.api.rig import Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")
PATH = "/snapshot-schedules"


def body(**fields: object) -> dict[str, object]:
    """What one is asked for with."""
    plain = {"name": name("schedule"), "cron": "30 2 * * *", "timezone": "Europe/Berlin", "keep": {"last": 1},
             "enabled": False}  # fmt: skip
    return plain | fields


async def test_schedule_lives_and_dies(rig: Rig) -> None:
    vm = await rig.vm()
    sent = body(vms=[vm["name"]], enabled=True)
    plan = await rig.good("POST", PATH, sent, params={"plan": "true"})
    assert plan["details"]["VMs"] == [vm["name"]]
    assert len(plan["details"]["next times"]) == 5
    await rig.done("POST", PATH, sent)
    found = await rig.good("GET", f"{PATH}/{sent['name']}")
    assert (found["vm_ids"], found["last_run"], found["skipped"]) == ([vm["id"]], None, None)
    assert datetime.now(UTC) < datetime.fromisoformat(found["next_at"]) < datetime.now(UTC) + timedelta(days=1, hours=1)
    assert set(found["allowed_actions"]) == {"edit", "run", "delete"}
    for _ in range(2):
        await rig.done("POST", f"{PATH}/{found['id']}/run")
    found = await rig.good("GET", f"{PATH}/{found['id']}")
    (result,) = found["last_run"]["results"]
    (snapshot,) = (await rig.good("GET", f"/vms/{vm['id']}/snapshots"))["items"]
    assert (snapshot["name"], snapshot["schedule_id"]) == (result["snapshot"], found["id"])
    assert snapshot["due_at"] == found["last_run"]["due_at"]
    assert len(result["deleted"]) == 1
    await rig.done("POST", f"/vms/{vm['id']}/snapshots/{snapshot['id']}/keep")
    kept = await rig.good("GET", f"/vms/{vm['id']}/snapshots/{snapshot['id']}")
    assert (kept["schedule_id"], kept["due_at"], kept["allowed_actions"]["keep"]["allowed"]) == (None, None, True)
    await rig.done("PATCH", f"{PATH}/{found['id']}", {"enabled": False})
    found = await rig.good("GET", f"{PATH}/{found['id']}")
    assert (found["enabled"], found["next_at"]) == (False, None)
    assert [one["id"] for one in (await rig.good("GET", PATH, params={"filter": "enabled:false"}))["items"]] == [
        found["id"]
    ]
    await rig.done("DELETE", f"{PATH}/{found['id']}")
    assert (await rig.call("GET", f"{PATH}/{found['id']}")).code == "snapshot_schedule.not_found"
    await rig.require_healthy()
    await rig.done("DELETE", f"/vms/{vm['id']}")


async def test_it_comes_by_itself_when_it_is_due(rig: Rig) -> None:
    vm = await rig.vm()
    task = await rig.done("POST", PATH, body(vms=[vm["id"]], cron="* * * * *", enabled=True))
    missed = datetime.now(UTC) - timedelta(minutes=10)
    db = rig.services.db
    await db.write(lambda tx: SNAPSHOT_SCHEDULE.change(tx, task["object_id"], since=missed))
    async with asyncio.timeout(60):
        while True:
            seen = db.news.count
            found = await rig.good("GET", f"{PATH}/{task['object_id']}")
            if found["last_run"] is not None:
                break
            await db.news.wait(seen, 1.0)
    await rig.done("PATCH", f"{PATH}/{found['id']}", {"enabled": False})
    runs = await rig.good("GET", "/tasks", params={"filter": f"object_id:{found['id']}"})
    (first, *_) = [one for one in runs["items"] if one["kind"] == "snapshot_schedule.run"]
    assert (first["state"], first["actor"]) == ("succeeded", "altus")
    assert len((await rig.good("GET", f"/vms/{vm['id']}/snapshots"))["items"]) == 1
    records = (await rig.good("GET", "/audit", params={"filter": f"object_id:{found['id']}"}, duty=Duty.AUDIT))["items"]
    assert {"snapshot_schedule.create", "snapshot_schedule.run"} <= {one["action"] for one in records}
    await rig.done("DELETE", f"{PATH}/{found['id']}")
    await rig.done("DELETE", f"/vms/{vm['id']}")


@pytest.mark.parametrize(("fields", "code"), [
    ({"cron": "never at all now"}, "snapshot_schedule.cron"),
    ({"cron": "0 0 30 2 *"}, "snapshot_schedule.cron"),
    ({"timezone": "../passwd"}, "snapshot_schedule.timezone"),
    ({"keep": {}}, "snapshot_schedule.keep"),
    ({"keep": {"last": 20, "daily": 20}}, "snapshot_schedule.keep"),
    ({"tags": []}, "snapshot_schedule.no_vms"),
    ({"vms": [new_id()]}, "vm.not_found"),
])  # fmt: skip
async def test_what_makes_no_sense_is_refused(rig: Rig, fields: dict[str, object], code: str) -> None:
    assert (await rig.call("POST", PATH, body(**{"tags": ["x"], **fields}))).code == code


async def test_others_than_the_system_administrator_may_not(rig: Rig) -> None:
    for duty in (Duty.SECURITY, Duty.AUDIT):
        assert (await rig.call("POST", PATH, body(tags=["x"]), duty=duty)).status == 403
        assert (await rig.call("GET", PATH, duty=duty)).status == 403
