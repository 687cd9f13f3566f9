"""Bad input is refused with a reason, never with a fault, and leaves nothing half made."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from altus.common.units import MIB
from altus.manager.api.app import openapi
from altus.model.permission import Duty
from tests.unit.manager.api.hostile import Shot, operations, shots
from tests.unit.manager.api.rig import PREFIX, Rig, name, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")
_AT_ONCE = 16
_TRIES = 5


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """A manager of its own: other tests shall not see what gets through."""
    async with serving(tmp_path_factory.mktemp("target")) as rig:
        yield rig


async def _refs(rig: Rig) -> dict[str, str]:
    vm, volume = await rig.vm(), await rig.volume()
    user = await rig.good("POST", "/users", {"name": name("user")})
    return {
        "/vms/": vm["id"], "/volumes/": volume, "/images/": await rig.image(), "/networks/": await rig.network(),
        "/users/": user["id"], "/policies/": "session", "/hosts/": rig.host.id,
    }  # fmt: skip


async def _bodies(rig: Rig, refs: dict[str, str]) -> dict[str, Any]:
    vm = await rig.vm_body()
    nics, disks = vm["nics"], [{"size": 2 * MIB}]
    return {
        "login": {"name": "nobody", "password": "wrong"},
        "change_password": {"old": "wrong", "new": "wrong too"},
        "create_token": {"name": "mine", "expires_in": "1h", "scope": {"kind": "everything"}},
        "create_user": {"name": "user"},
        "edit_user": {"display_name": "Somebody"},
        "create_group": {"name": "group"},
        "create_grant": {"subject": refs["/users/"], "role": "viewer"},
        "create_role": {"name": "role", "duty": "system", "permissions": ["vm:read"]},
        "edit_policy": {"values": {"idle_minutes": 30}},
        "create_vm": {**vm, "disks": disks},
        "edit_vm": {"add_nics": nics},
        "clone_vm": {"name": "clone"},
        "stop_vm": {"timeout": 1},
        "restart_vm": {"force": True},
        "open_console": {"kind": "serial"},
        "create_volume": {"name": "volume", "size": 2 * MIB},
        "resize_volume": {"size": 4 * MIB},
        "create_image": {"name": "image"},
        "build_image": {"image": "tiny", "name": "built"},
        "create_network": {"name": "net", "cidr": "10.99.0.0/24", "kind": "isolated"},
        "create_project": {"name": "project"},
        "create_enrolment": {"name": "host2"},
        "enrol_host": {"secret": "x", "csr": "x", "hostname": "x", "address": "x:1"},
    }  # fmt: skip


DUTIES = {"/groups": Duty.SECURITY, "/grants": Duty.SECURITY, "/roles": Duty.SECURITY, "/policies": Duty.SECURITY,
          "/audit": Duty.AUDIT}  # fmt: skip


async def _fire(rig: Rig, shot: Shot, token: str | None = None) -> tuple[int, dict[str, str], bytes]:
    """The answer, if need be to a repetition: the manager closes connections that were idle, and those on which a body
    that it has refused is still being sent."""
    for _ in range(_TRIES - 1):
        with contextlib.suppress(aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            return await _send(rig, shot, token)
    return await _send(rig, shot, token)


async def _send(rig: Rig, shot: Shot, token: str | None) -> tuple[int, dict[str, str], bytes]:
    duty = next((duty for start, duty in DUTIES.items() if shot.path.startswith(start)), Duty.SYSTEM)
    headers = {"Content-Type": shot.content_type, **shot.headers}
    if token != "":
        headers["Authorization"] = token or f"Bearer {rig.tokens[duty]}"
    url = URL(f"{rig.url}{PREFIX}{shot.path}", encoded=True)
    query = {key: value.encode("utf-8", "replace").decode() for key, value in shot.query.items()}
    async with rig.session.request(shot.method, url.update_query(query), data=shot.data, headers=headers) as got:
        stream = got.headers.get("content-type", "").startswith("text/event-stream")
        return got.status, {k.lower(): v for k, v in got.headers.items()}, b"" if stream else await got.read()


def _problem(shot: Shot, status: int, headers: dict[str, str], body: bytes) -> str:
    """What is wrong with the answer; empty for nothing."""
    told = f"{shot.method} {shot.path} {dict(shot.query)} {dict(shot.headers)} {(shot.data or b'')[:200]!r}: {status} "
    if status >= 500:
        return told + body[:300].decode(errors="replace")
    if status < 400:
        return told + "accepted" if shot.refused else ""
    if headers.get("content-type") != "application/problem+json" or b"Traceback" in body:
        return told + "is no problem document: " + repr(body[:200])
    missing = [key for key in (b'"code":""', b'"detail":""', b'"hint":""', b'"request_id":""') if key in body]
    return told + f"lacks {missing}: {body[:200]!r}" if missing else ""


async def test_no_input_is_answered_by_a_fault(target: Rig) -> None:
    refs = await _refs(target)
    corpus = list(shots(openapi(), refs, await _bodies(target, refs)))
    wrong: list[str] = []
    for start in range(0, len(corpus), _AT_ONCE):
        several = corpus[start : start + _AT_ONCE]
        answers = await asyncio.gather(*(_fire(target, shot) for shot in several))
        wrong += filter(None, (_problem(shot, *answer) for shot, answer in zip(several, answers, strict=True)))
    assert not wrong, f"{len(wrong)} of {len(corpus)}:\n" + "\n".join(wrong[:40])
    assert len(corpus) > 2000
    for task in (await target.good("GET", "/tasks", params={"limit": "1000"}))["items"]:
        await target.ended(task["id"])
    await target.require_healthy()
    assert (await target.good("POST", "/audit/verify", duty=Duty.AUDIT))["intact"]


async def test_every_operation_demands_a_good_token(target: Rig) -> None:
    user, token = await target.user("viewer")
    await target.good("DELETE", f"/users/{user}")
    bad = ("", "Bearer", "Bearer x", "Basic YTpi", "Bearer " + "x" * 5000, f"Bearer {token}", "Bearer alts_\xff",
           token)  # fmt: skip
    public = {"get_health", "get_ca", "login", "enrol_host"}
    for method, path, operation in operations(openapi()):
        if operation["operationId"] in public:
            continue
        for header in bad:
            shot = Shot(method, path.replace("{ref}", "x").replace("{user}", "x"))
            answer = await _fire(target, shot, header)
            assert answer[0] == 401, (shot, header[:40], answer)
            assert _problem(shot, *answer) == ""
            assert answer[1]["www-authenticate"] == "Bearer"
