"""The fake manager's answers that need no thought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from tests.unit.sdk import samples
from tests.unit.sdk.fake_problems import PASSWORD, TOKEN, problem

if TYPE_CHECKING:
    from tests.unit.sdk.fake_manager import FakeManager


async def login(_manager: FakeManager, request: web.Request) -> web.Response:
    asked = await request.json()
    if asked["password"] != PASSWORD:
        return problem(401, "Name or password is wrong.", "login.refused")
    return web.json_response(samples.session(TOKEN), status=201)


async def nothing(_manager: FakeManager, _request: web.Request) -> web.Response:
    return web.Response(status=204)


async def health(_manager: FakeManager, _request: web.Request) -> web.Response:
    body = {"healthy": True, "version": "9.9.9", "database": True, "runs_tasks": True, "hosts_up": 1}
    return web.json_response(body)


async def ca(manager: FakeManager, _request: web.Request) -> web.Response:
    return web.Response(text=manager.ca, content_type="application/x-pem-file")


async def doctor(manager: FakeManager, _request: web.Request) -> web.Response:
    finding = {"kind": "vm.lost", "noun": "vm", "object_id": "x", "message": "VM web1 is not on its host.",
               "hint": "Delete it."}  # fmt: skip
    findings = [] if manager.healthy else [finding]
    return web.json_response({"healthy": manager.healthy, "checked": {"vm": 3, "host": 1}, "findings": findings})


async def verify(manager: FakeManager, _request: web.Request) -> web.Response:
    if manager.intact:
        return web.json_response({"intact": True, "records": 9, "first_broken": None, "tampering": None,
                                  "explanation": ""})  # fmt: skip
    return web.json_response({"intact": False, "records": 9, "first_broken": 4, "tampering": "altered",
                              "explanation": "The content of this record was changed."})  # fmt: skip


async def token(_manager: FakeManager, request: web.Request) -> web.Response:
    return web.json_response(samples.token((await request.json())["name"]), status=201)


async def user(_manager: FakeManager, request: web.Request) -> web.Response:
    return web.json_response(samples.user((await request.json())["name"]), status=201)


async def host(_manager: FakeManager, _request: web.Request) -> web.Response:
    return web.json_response(samples.host())


async def hosts(_manager: FakeManager, _request: web.Request) -> web.Response:
    return web.json_response({"items": [samples.host()], "next": None})


async def snapshots(manager: FakeManager, _request: web.Request) -> web.Response:
    return web.json_response({"items": manager.snapshots, "next": None})


async def snapshot_schedules(manager: FakeManager, _request: web.Request) -> web.Response:
    return web.json_response({"items": manager.snapshot_schedules, "next": None})


async def snapshot_schedule(manager: FakeManager, request: web.Request) -> web.Response:
    found = [one for one in manager.snapshot_schedules if one["name"] == request.match_info["ref"]]
    return web.json_response(found[0])


async def plan(_manager: FakeManager, request: web.Request) -> web.Response:
    """Of a change of anything that this manager does not have."""
    return web.json_response(samples.plan("edit", request.match_info.get("ref", "")))
