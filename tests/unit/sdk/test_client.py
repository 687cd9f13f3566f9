"""Requests: errors, repetition, pages, waiting."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from aiohttp import web

from altus.common.errors import (
    AltusError,
    Conflict,
    Failed,
    Forbidden,
    Internal,
    InvalidInput,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from altus.sdk.client import AltusClient
from altus.sdk.shapes import make
from altus.wire.tasks import TaskView
from altus.wire.users import UserCreate
from altus.wire.vms import VmCreate
from tests.unit.sdk.fake_manager import FakeManager, Fault, drop, nothing, unavailable
from tests.unit.sdk.fake_problems import TOKEN, problem


def _answer(status: int, code: str) -> Fault:
    async def fault(_request: web.Request) -> web.Response:
        return problem(status, "A sentence.", code, "A hint.", state="running", message="of the context")

    return fault


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Unauthenticated), (403, Forbidden), (404, NotFound), (409, Conflict), (422, InvalidInput), (500, Internal),
     (502, Failed)],
)  # fmt: skip
async def test_problem_becomes_the_error_that_it_describes(
    altus: AltusClient, manager: FakeManager, status: int, kind: type[AltusError]
) -> None:
    manager.faults.append(_answer(status, "some.code"))
    with pytest.raises(kind) as caught:
        await altus.vms.get("web1")
    error = caught.value
    assert (type(error), error.message, error.code, error.hint) == (kind, "A sentence.", "some.code", "A hint.")
    assert error.context == {"state": "running", "request_id": "request-1"}


async def test_answer_that_is_no_problem_tells_its_status(altus: AltusClient, manager: FakeManager) -> None:
    async def teapot(_request: web.Request) -> web.Response:
        return web.Response(status=418, text="<html>")

    manager.faults.append(teapot)
    with pytest.raises(InvalidInput, match="418"):
        await altus.vms.get("web1")


async def test_answer_of_another_shape_is_refused(altus: AltusClient, manager: FakeManager) -> None:
    async def other(_request: web.Request) -> web.Response:
        return web.json_response({"hello": 1})

    manager.faults.append(other)
    with pytest.raises(Failed) as caught:
        await altus.vms.get("web1")
    assert caught.value.code == "client.answer"


async def test_change_is_repeated_with_the_same_key_when_the_connection_breaks(
    altus: AltusClient, manager: FakeManager
) -> None:
    manager.add_vm("web1")

    async def done_but_lost(request: web.Request) -> None:
        await manager._change_vm(request)  # it happened, but nobody hears of it
        await drop(request)

    manager.faults.extend([drop, done_but_lost, unavailable])
    task = await altus.vms.start("web1")
    sent = manager.requests("POST", "/vms/web1/start")
    assert len(sent) == 4
    assert len({one.headers["Idempotency-Key"] for one in sent}) == 1
    assert list(manager.tasks) == [task.id]


async def test_two_changes_have_two_keys_and_one_change_has_one(altus: AltusClient, manager: FakeManager) -> None:
    manager.add_vm("web1")
    change = altus.vms.start("web1")
    first, again, other = await change, await change, await altus.vms.start("web1")
    assert first.id == again.id != other.id


async def test_what_has_no_key_is_not_repeated_when_it_may_have_happened(
    altus: AltusClient, manager: FakeManager
) -> None:
    manager.faults.append(drop)
    with pytest.raises(Unavailable) as caught:
        await altus.users.create(UserCreate(name="eve"))
    assert "is not known" in caught.value.message
    assert len(manager.requests("POST", "/users")) == 1


async def test_deletion_without_a_key_is_sent_once(altus: AltusClient, manager: FakeManager) -> None:
    await altus.system.health()  # so that a connection is there to be used again
    manager.faults.append(drop)
    with pytest.raises(Unavailable, match="is not known"):
        await altus.users.delete("eve")
    assert len(manager.requests("DELETE", "/users/eve")) == 1


async def test_what_has_no_key_is_repeated_when_it_was_refused_for_now(
    altus: AltusClient, manager: FakeManager
) -> None:
    manager.faults.append(unavailable)
    assert (await altus.users.create(UserCreate(name="eve"))).password == "once-only-77"


async def test_manager_that_starts_is_waited_for(manager: FakeManager) -> None:
    troubles: list[AltusError] = []
    manager.faults.extend([unavailable, unavailable])
    manager.add_vm("web1")
    async with AltusClient(manager.url, TOKEN, on_trouble=troubles.append) as altus:
        assert (await altus.vms.get("web1")).name == "web1"
    assert [error.code for error in troubles] == ["manager.starting", "manager.starting"]


async def test_manager_that_is_not_there_is_told_after_the_patience() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with AltusClient(f"http://127.0.0.1:{unused.getsockname()[1]}", TOKEN, patience=0.5) as altus:
            began = time.monotonic()
            with pytest.raises(Unavailable) as caught:
                await altus.vms.start("web1")
    assert caught.value.code == "client.unreachable"
    assert 0.1 <= time.monotonic() - began < 5


@pytest.mark.parametrize("url", ["", "manager", "ftp://manager", "https://", "https://a:99999", "https://manager/path"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        AltusClient(url)
    assert caught.value.code == "client.url"


def test_token_is_not_sent_in_the_clear_to_another_machine() -> None:
    with pytest.raises(InvalidInput) as caught:
        AltusClient("http://192.0.2.1:8440", TOKEN)
    assert caught.value.code == "client.plaintext"


def test_unreadable_ca_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(InvalidInput) as caught:
        AltusClient("https://127.0.0.1:1", ca=tmp_path / "ca.pem")
    assert caught.value.code == "client.ca"


async def test_names_cannot_leave_their_place_in_the_path(altus: AltusClient, manager: FakeManager) -> None:
    for name in ("a/../b", "..", "a?plan=true", "ä ö"):
        with pytest.raises(NotFound) as caught:
            await altus.vms.get(name)
        assert caught.value.code == "vm.not_found", name
    assert {one.query == [] for one in manager.seen} == {True}


async def test_page_carries_filter_sort_and_position(altus: AltusClient, manager: FakeManager) -> None:
    await altus.vms.page(["state:running,paused", "name~web"], sort="-name", limit=7, after="web3")
    expected = [("filter", "state:running,paused"), ("filter", "name~web"), ("sort", "-name"), ("after", "web3"),
                ("limit", "7")]  # fmt: skip
    assert manager.seen[0].query == expected


async def test_each_goes_through_all_pages(
    altus: AltusClient, manager: FakeManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("altus.sdk.resources._PAGE", 3)
    for number in range(8):
        manager.add_vm(f"web{number}")
    assert [vm.name async for vm in altus.vms.each()] == [f"web{number}" for number in range(8)]
    assert len(manager.requests("GET", "/vms")) == 3


async def test_body_has_only_what_was_given(altus: AltusClient, manager: FakeManager) -> None:
    await altus.vms.create(VmCreate(name="web1", image="tiny"))
    assert manager.requests("POST", "/vms")[0].json == {"name": "web1", "image": "tiny"}


async def test_plan_changes_nothing(altus: AltusClient, manager: FakeManager) -> None:
    plan = await altus.vms.create(VmCreate(name="web1", image="tiny")).plan()
    assert [step.name for step in plan.steps] == ["place", "define"]
    assert (manager.vms, manager.tasks) == ({}, {})


def test_wrong_shape_names_the_field_and_not_the_value() -> None:
    with pytest.raises(InvalidInput) as caught:
        make(UserCreate, name="x" * 100, password=12345678)
    assert "name" in caught.value.message
    assert "12345678" not in caught.value.message


async def test_run_waits_until_the_task_is_done(altus: AltusClient, manager: FakeManager) -> None:
    manager.add_vm("web1")
    told: list[float] = []
    task = await altus.vms.start("web1").run(lambda seen: told.append(seen.progress))
    assert (task.state.value, told) == ("succeeded", [0.5, 1.0])
    assert manager.requests("GET", "/events")


async def test_run_raises_the_error_of_the_task(altus: AltusClient, manager: FakeManager) -> None:
    manager.add_vm("web1")
    manager.ends = Conflict("VM web1 is running.", code="vm.state", hint="Stop it first.")
    with pytest.raises(Conflict) as caught:
        await altus.vms.start("web1").run()
    assert (caught.value.code, caught.value.hint) == ("vm.state", "Stop it first.")


async def test_wait_asks_where_events_may_not_be_read(altus: AltusClient, manager: FakeManager) -> None:
    manager.add_vm("web1")
    manager.events_forbidden, manager.looks = True, 4
    assert (await altus.vms.start("web1").run()).state.value == "succeeded"
    assert len(manager.requests("GET", "/events")) == 1


async def test_wait_survives_a_manager_that_goes_away(altus: AltusClient, manager: FakeManager) -> None:
    manager.add_vm("web1")
    task = await altus.vms.start("web1")
    manager.looks = 1000
    manager.faults.extend([drop, unavailable, nothing, drop, drop])

    def told(_task: TaskView) -> None:
        if not manager.faults:
            manager.looks = 0

    assert (await altus.tasks.wait(task.id, told)).state.value == "succeeded"
    assert not manager.faults
