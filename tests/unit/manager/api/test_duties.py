"""Three administrators of whom none can do another's work, and grants that reach only so far."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute

from altus.common.units import MIB
from altus.manager.api.app import create_api
from altus.manager.api.deps import Requires
from altus.model.permission import Duty, Permission, duty_of
from tests.unit.manager.api.rig import PREFIX, Rig, name
from tests.unit.manager.api.test_routes import routes_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _declared() -> list[tuple[str, str, Permission]]:
    services: Any = None
    found = []
    for route in routes_of(create_api(services).routes):
        for dependency in route.dependant.dependencies if isinstance(route, APIRoute) else ():
            if isinstance(dependency.call, Requires):
                found += [(method, route.path.removeprefix(PREFIX), dependency.call.permission)
                          for method in route.methods]  # fmt: skip
    return found


ROUTES = _declared()


@pytest.mark.parametrize(("method", "path", "permission"), ROUTES, ids=[f"{m} {p}" for m, p, _ in ROUTES])
async def test_only_its_own_administrator_gets_in(rig: Rig, method: str, path: str, permission: Permission) -> None:
    owner = duty_of(permission)
    if path == "/events":
        return  # never ends; see test_stream
    place = path.replace("{ref}", "no-such-thing").replace("{user}", "nobody")
    for duty in Duty:
        answer = await rig.call(method, place, duty=duty)
        if owner is None or duty is owner:
            assert answer.code != "access.denied", (duty, answer)
        else:
            assert (answer.status, answer.code) == (403, "access.denied"), (duty, answer)
            assert answer.json["hint"]


async def test_every_duty_owns_routes() -> None:
    owners = [duty_of(permission) for _, _, permission in ROUTES]
    assert {owner: owners.count(owner) for owner in Duty if owners.count(owner) >= 2}.keys() == set(Duty)
    assert len(ROUTES) > 75


async def test_nobody_gives_rights_to_himself_or_crosses_duties(rig: Rig) -> None:
    user, _ = await rig.user("operator")
    grant = {"subject": user, "role": "audit-administrator"}
    assert (await rig.call("POST", "/grants", grant, duty=Duty.SECURITY)).code == "duty.separation"
    own = {"subject": "secadmin", "role": "security-administrator"}
    assert (await rig.call("POST", "/grants", own, duty=Duty.SECURITY)).code in ("grant.self", "user.not_found")


async def test_grant_for_a_project_shows_and_reaches_only_that(rig: Rig) -> None:
    project = (await rig.good("POST", "/projects", {"name": name("project")}))["id"]
    inside, outside = await rig.vm(project=project, nics=[]), await rig.vm()
    _, token = await rig.user("operator", kind="project", id=project)
    mine: dict[str, Any] = {"token": token}
    assert [vm["id"] for vm in (await rig.good("GET", "/vms", **mine))["items"]] == [inside["id"]]
    assert (await rig.call("GET", f"/vms/{outside['id']}", **mine)).code == "vm.not_found"
    assert (await rig.call("POST", f"/vms/{outside['id']}/start", **mine)).code == "vm.not_found"
    assert (await rig.call("POST", f"/vms/{outside['name']}/start", **mine)).code == "vm.not_found"
    started = await rig.good("POST", f"/vms/{inside['id']}/start", **mine)
    await rig.ended(started["id"])
    assert (await rig.good("GET", f"/tasks/{started['id']}", **mine))["state"] == "succeeded"
    foreign = (await rig.good("GET", "/tasks", params={"filter": f"object_id:{outside['id']}"}))["items"][0]["id"]
    assert (await rig.call("GET", f"/tasks/{foreign}", **mine)).code == "task.not_found"
    assert {one["project_id"] for one in (await rig.good("GET", "/tasks", **mine))["items"]} == {project}
    assert (await rig.call("DELETE", f"/vms/{inside['id']}", **mine)).status == 403
    assert [one["id"] for one in (await rig.good("GET", "/projects", **mine))["items"]] == [project]


async def test_foreign_projects_are_not_there(rig: Rig) -> None:
    mine = (await rig.good("POST", "/projects", {"name": name("project")}))["id"]
    other = (await rig.good("POST", "/projects", {"name": name("project")}))["id"]
    _, token = await rig.user("system-administrator", kind="project", id=mine)
    body = {"name": name("volume"), "size": 2 * MIB}
    assert (await rig.call("POST", "/volumes", {**body, "project": other}, token=token)).code == "project.not_found"
    assert (await rig.call("POST", "/volumes", body, token=token)).status == 403  # the default project is not his
    made = await rig.good("POST", "/volumes", {**body, "project": mine}, token=token)
    await rig.ended(made["id"])


async def test_volume_of_another_project_is_not_attached(rig: Rig) -> None:
    project = (await rig.good("POST", "/projects", {"name": name("project")}))["id"]
    vm, volume = await rig.vm(), await rig.volume(project=project)
    assert (await rig.call("PATCH", f"/vms/{vm['id']}", {"attach_volumes": [volume]})).code == "volume.not_found"


async def test_same_name_in_two_projects_is_told_apart(rig: Rig) -> None:
    one, two = [(await rig.good("POST", "/projects", {"name": name("project")}))["id"] for _ in range(2)]
    twin = name("twin")
    for project in (one, two):
        await rig.volume(name=twin, project=project)
    assert (await rig.call("GET", f"/volumes/{twin}")).code == "volume.ambiguous"
    _, token = await rig.user("viewer", kind="project", id=two)
    assert (await rig.good("GET", f"/volumes/{twin}", token=token))["project_id"] == two


async def test_grant_for_one_object_shows_just_that(rig: Rig) -> None:
    vm, other = await rig.vm(), await rig.vm()
    _, token = await rig.user("operator", kind="object", id=vm["id"])
    assert [one["id"] for one in (await rig.good("GET", "/vms", token=token))["items"]] == [vm["id"]]
    assert (await rig.call("GET", f"/vms/{other['id']}", token=token)).status == 404
    tasks = (await rig.good("GET", "/tasks", token=token))["items"]
    assert {task["object_id"] for task in tasks} == {vm["id"]}
