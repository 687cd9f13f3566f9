"""Lists: filter, sort, pages that neither repeat nor skip, and only the fields wanted."""

from __future__ import annotations

import pytest

from altus.common.ids import new_id
from altus.model.permission import Duty
from altus.wire.vms import VmView
from tests.unit.manager.api.rig import Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")
LISTS = ("users", "groups", "grants", "vms", "volumes", "images", "networks", "hosts", "storages", "projects", "tasks",
         "audit")  # fmt: skip


async def test_filter_sort_and_pages(rig: Rig) -> None:
    project = (await rig.good("POST", "/projects", {"name": name("project")}))["id"]
    names = [name(f"sorted{number}") for number in range(7)]
    for number, one in enumerate(names):
        await rig.vm(name=one, project=project, vcpus=1, tags=[f"t{number % 2}"], start=number == 3)
    mine = f"project_id:{project}"
    seen, after = [], None
    while True:
        query = [("filter", mine), ("sort", "-name"), ("limit", "3"), *([("after", after)] if after else [])]
        page = await rig.good("GET", "/vms", params=query)
        seen += [vm["name"] for vm in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == sorted(names, reverse=True)
    for condition, count in (("state:running", 1), ("state:running,stopped", 7), ("tags:t0", 4), ("name~SORTED4", 1),
                             ("state!stopped", 1)):  # fmt: skip
        found = await rig.good("GET", "/vms", params=[("filter", mine), ("filter", condition)])
        assert len(found["items"]) == count, condition


async def test_a_hundred_objects_are_asked_for_by_their_ids(rig: Rig) -> None:
    made = await rig.vm()
    ids = [new_id() for _ in range(99)] + [made["id"]]
    found = await rig.good("GET", "/vms", params={"filter": f"id:{','.join(ids)}"})
    assert [vm["id"] for vm in found["items"]] == [made["id"]]


async def test_only_wanted_fields(rig: Rig) -> None:
    await rig.vm()
    page = await rig.good("GET", "/vms", params={"fields": "id,name", "limit": "1"})
    assert set(page["items"][0]) == {"id", "name"}
    assert set(page) == {"items", "next"}


@pytest.mark.parametrize("noun", LISTS)
async def test_every_list_refuses_unknown_fields_filters_and_sorts(rig: Rig, noun: str) -> None:
    duty = {"grants": Duty.SECURITY, "audit": Duty.AUDIT}.get(noun, Duty.SYSTEM)
    for query, code in (({"fields": "nope"}, "list.fields"), ({"filter": "nope:1"}, "list.filter"),
                        ({"sort": "nope"}, "list.sort"), ({"after": "nope"}, "list.cursor")):  # fmt: skip
        answer = await rig.call("GET", f"/{noun}", params=query, duty=duty)
        assert (answer.status, answer.code) == (422, code)


async def test_views_made_fast_have_every_field(rig: Rig) -> None:
    made = await rig.vm()
    assert set(made) == set(VmView.model_fields)
    assert VmView.model_validate(made).model_dump(mode="json") == made
