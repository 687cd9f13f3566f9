"""The event stream: everything, in order, once, also for who comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from altus.manager.store import events as outbox
from altus.manager.store.database import Tx
from altus.manager.store.tables import Event
from altus.model.permission import Duty
from tests.unit.manager.api.rig import PREFIX, Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def _stream(rig: Rig, token: str = "", last: int | None = None, **query: str) -> AsyncIterator[Any]:
    headers = {"Authorization": f"Bearer {token or rig.tokens[Duty.SYSTEM]}"}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    async with rig.session.get(f"{rig.url}{PREFIX}/events", headers=headers, params=query) as got:
        assert got.status == 200
        assert got.headers["content-type"].startswith("text/event-stream")
        yield _events(got)


async def _events(got: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    fields: dict[str, str] = {}
    async for line in got.content:
        text = line.decode().rstrip("\n")
        if not text and "data" in fields:
            event = json.loads(fields["data"])
            assert (str(event["seq"]), event["kind"]) == (fields["id"], fields["event"])
            yield event
            fields = {}
        elif text and not text.startswith(":"):
            key, _, value = text.partition(": ")
            fields[key] = value


async def _last(rig: Rig) -> int:
    return await rig.services.db.read(outbox.last)


async def _write(rig: Rig, count: int) -> None:
    def work(tx: Tx) -> None:
        for _ in range(10):
            outbox.emit(tx, Event(kind="test.happened", noun="test", object_id="x"))

    await asyncio.gather(*(rig.services.db.write(work) for _ in range(count // 10)))


async def test_no_event_is_lost_or_repeated_under_load_and_reconnection(rig: Rig) -> None:
    start, count = await _last(rig), 2000
    writing = asyncio.create_task(_write(rig, count))
    seen: list[int] = []
    position = start
    async with asyncio.timeout(30):
        while len(seen) < count:
            async with _stream(rig, last=position) as events:
                taken = 0
                async for event in events:
                    position = event["seq"]
                    if event["noun"] == "test":
                        seen.append(event["seq"])
                    taken += 1
                    if taken == 300 or len(seen) == count:
                        break  # the connection is lost
    await writing
    assert seen == sorted(set(seen))
    stored = await rig.services.db.read(lambda tx: [e.seq for e in outbox.after(tx, start, 5000) if e.noun == "test"])
    assert seen == stored


async def test_stream_begins_now_and_can_be_narrowed(rig: Rig) -> None:
    async with _stream(rig, noun="network") as events, asyncio.timeout(20):
        made = asyncio.create_task(
            rig.done("POST", "/networks", {"name": name("net"), "cidr": "10.66.0.0/24", "kind": "isolated"})
        )
        event = await anext(events)
        assert (event["kind"], event["object_id"]) == ("network.created", (await made)["object_id"])


async def test_stream_shows_only_what_its_reader_may_see(rig: Rig) -> None:
    project = (await rig.good("POST", "/projects", {"name": name("project")}))["id"]
    _, token = await rig.user("viewer", kind="project", id=project)
    async with _stream(rig, token) as events, asyncio.timeout(20):
        await rig.vm()
        vm = await rig.vm(project=project)
        event = await anext(events)
        assert event["project_id"] == vm["project_id"] == project


async def test_stream_ends_with_its_login(rig: Rig) -> None:
    user, token = await rig.user("viewer")
    async with _stream(rig, token) as events, asyncio.timeout(20):
        await rig.good("DELETE", f"/users/{user}")
        await rig.volume()
        async for _ in events:
            pass


async def test_request_id_goes_through(rig: Rig) -> None:
    body = {"name": name("volume"), "size": 1 << 21}
    answer = await rig.call("POST", "/volumes", body, headers={"X-Request-Id": "from-my-browser-1"})
    assert answer.headers["x-request-id"] == answer.json["request_id"] == "from-my-browser-1"
    await rig.ended(answer.json["id"])
    records = await rig.good("GET", "/audit", params={"filter": "request_id:from-my-browser-1"}, duty=Duty.AUDIT)
    assert [one["outcome"] for one in records["items"]] == ["allowed", "succeeded"]
    refused = await rig.call("GET", "/vms/none", headers={"X-Request-Id": "<script>"})
    assert refused.json["request_id"] == refused.headers["x-request-id"] != "<script>"
