"""A manager over real HTTP that keeps everything in memory, and can be told to misbehave."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import WSMsgType, web

from altus.common.errors import AltusError
from altus.model.task import TaskState
from altus.wire.tasks import EventView, TaskView
from tests.unit.sdk import fake_answers, samples
from tests.unit.sdk.fake_problems import TOKEN, problem

API = "/api/v1"
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class FakeManager:
    """`vms` by name; `faults` are used up by the next requests, each by one; `looks` is how often a task is looked at
    before it is finished; `ends` is the error with which tasks end, if any."""

    vms: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[str, TaskView] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    events: list[EventView] = field(default_factory=list)
    events_forbidden: bool = False
    healthy: bool = True
    intact: bool = True
    looks: int = 2
    ends: AltusError | None = None
    uploads: dict[str, bytes] = field(default_factory=dict)
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    snapshot_schedules: list[dict[str, Any]] = field(default_factory=list)
    typed: bytes = b""
    ca: str = ""
    url: str = ""

    def add_vm(self, name: str, **fields: Any) -> dict[str, Any]:
        self.vms[name] = samples.vm(name, **fields)
        return self.vms[name]

    def requests(self, method: str, path: str) -> list[Seen]:
        """Those of this kind that arrived."""
        return [one for one in self.seen if (one.method, one.path) == (method, API + path)]

    def emit(self, kind: str, noun: str, object_id: str, **data: Any) -> EventView:
        event = samples.event(len(self.events) + 1, kind, noun, object_id, data)
        self.events.append(event)
        return event

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._gate], client_max_size=2**30)
        add = app.router.add_route
        add("POST", f"{API}/sessions", partial(fake_answers.login, self))
        add("DELETE", f"{API}/sessions/current", partial(fake_answers.nothing, self))
        add("GET", f"{API}/health", partial(fake_answers.health, self))
        add("GET", f"{API}/ca", partial(fake_answers.ca, self))
        add("GET", f"{API}/doctor", partial(fake_answers.doctor, self))
        add("POST", f"{API}/audit/verify", partial(fake_answers.verify, self))
        add("GET", f"{API}/events", self._events)
        add("POST", f"{API}/tokens", partial(fake_answers.token, self))
        add("POST", f"{API}/users", partial(fake_answers.user, self))
        add("DELETE", f"{API}/users/{{ref}}", partial(fake_answers.nothing, self))
        add("GET", f"{API}/tasks/{{ref}}", self._task)
        add("POST", f"{API}/tasks/{{ref}}/cancel", self._cancel)
        add("GET", f"{API}/hosts", partial(fake_answers.hosts, self))
        add("GET", f"{API}/hosts/{{ref}}", partial(fake_answers.host, self))
        add("GET", f"{API}/vms", self._list_vms)
        add("POST", f"{API}/vms", self._change_vm)
        add("GET", f"{API}/vms/{{ref}}", self._get_vm)
        add("PATCH", f"{API}/vms/{{ref}}", self._change_vm)
        add("DELETE", f"{API}/vms/{{ref}}", self._change_vm)
        add("GET", f"{API}/vms/{{ref}}/snapshots", partial(fake_answers.snapshots, self))
        add("GET", f"{API}/snapshot-schedules", partial(fake_answers.snapshot_schedules, self))
        add("POST", f"{API}/snapshot-schedules", partial(fake_answers.plan, self))
        add("GET", f"{API}/snapshot-schedules/{{ref}}", partial(fake_answers.snapshot_schedule, self))
        add("POST", f"{API}/vms/{{ref}}/console", self._ticket)
        add("POST", f"{API}/vms/{{ref}}/{{verb}}", self._change_vm)
        add("PATCH", f"{API}/vms/{{ref}}/nics/{{nic}}", self._change_vm)
        add("PATCH", f"{API}/vms/{{ref}}/disks/{{disk}}", self._change_vm)
        add("PATCH", f"{API}/{{noun}}/{{ref}}", partial(fake_answers.plan, self))
        add("POST", f"{API}/floating-ips", partial(fake_answers.plan, self))
        add("POST", f"{API}/forwards", partial(fake_answers.plan, self))
        add("POST", f"{API}/floating-ips/{{ref}}/{{verb}}", partial(fake_answers.plan, self))
        add("GET", f"{API}/consoles/{{ticket}}", self._console)
        add("POST", f"{API}/images", self._begin)
        add("GET", f"{API}/images/{{ref}}", self._get_image)
        add("GET", f"{API}/images/{{ref}}/upload", self._uploaded)
        add("PUT", f"{API}/images/{{ref}}/upload", self._upload)
        add("POST", f"{API}/images/{{ref}}/finish", self._finish)
        return app

    @web.middleware
    async def _gate(self, request: web.Request,
                    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:  # fmt: skip
        """Records, misbehaves, authenticates."""
        body = b"" if request.path.endswith("/upload") else await request.read()
        self.seen.append(Seen(request.method, request.path, list(request.query.items()), dict(request.headers), body))
        if self.faults:
            answer = await self.faults.popleft()(request)
            if answer is not None:
                return answer
        public = request.path in (f"{API}/sessions", f"{API}/health", f"{API}/ca") or "/consoles/" in request.path
        if not public and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return problem(401, "This needs a login.", "auth.missing", "Log in with `altus login`.")
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return problem(404, "There is no such thing.", "route.not_found")

    async def _list_vms(self, request: web.Request) -> web.Response:
        """Sorted by name; filters on state and name; `after` is the last name of the page before."""
        found = [self.vms[name] for name in sorted(self.vms) if name > request.query.get("after", "")]
        for text in request.query.getall("filter", []):
            name, _, value = text.partition("~" if "~" in text else ":")
            if name not in ("state", "name"):
                return problem(422, f"There is no field {name!r}.", "list.field", "Fields: name, state.")
            found = [vm for vm in found if (value in vm[name] if "~" in text else vm[name] == value)]
        limit = int(request.query["limit"])
        following = found[limit - 1]["name"] if len(found) > limit else None
        return web.json_response({"items": found[:limit], "next": following})

    async def _get_vm(self, request: web.Request) -> web.Response:
        vm = self._find(request.match_info["ref"])
        return no_such_vm(request) if vm is None else web.json_response(vm)

    def _find(self, ref: str) -> dict[str, Any] | None:
        return next((vm for vm in self.vms.values() if ref in (vm["id"], vm["name"])), None)

    async def _change_vm(self, request: web.Request) -> web.Response:
        """Any change: planned, or a task; the same idempotency key gives the same task."""
        ref = request.match_info.get("ref")
        verb = request.match_info.get("verb") or {"POST": "create", "PATCH": "edit", "DELETE": "delete"}[request.method]
        name = ref or (await request.json())["name"]
        vm = self._find(name) if ref else None
        if ref and vm is None:
            return no_such_vm(request)
        if request.query.get("plan") == "true":
            return web.json_response(samples.plan(verb, name))
        if verb == "create":
            vm = self.vms.get(name) or self.add_vm(name)
        assert vm is not None
        effect = {"start": "running", "stop": "stopped", "kill": "stopped", "pause": "paused"}.get(verb)
        vm["state"] = effect or vm["state"]
        if verb == "delete":
            del self.vms[vm["name"]]
        return web.json_response(self._submit(request, verb, vm["id"], name), status=202)

    def _submit(self, request: web.Request, verb: str, object_id: str, name: str) -> dict[str, Any]:
        key = request.headers.get("Idempotency-Key", str(uuid.uuid4()))
        if key not in self.keys:
            task = samples.task(f"vm.{verb}", object_id, name)
            self.tasks[task.id] = task
            self.keys[key] = task.id
        plain: dict[str, Any] = self.tasks[self.keys[key]].model_dump(mode="json")
        return plain

    async def _task(self, request: web.Request) -> web.Response:
        task = self.tasks.get(request.match_info["ref"])
        if task is None:
            return problem(404, "There is no such task.", "task.not_found")
        if not task.state.finished:
            task = self._advance(task)
        return web.json_response(task.model_dump(mode="json"))

    def _advance(self, task: TaskView) -> TaskView:
        looked = sum(one.path == f"{API}/tasks/{task.id}" for one in self.seen)
        change: dict[str, Any] = {"state": TaskState.RUNNING, "progress": 0.5}
        if looked >= self.looks:
            error = None if self.ends is None else self.ends.to_dict()
            change = {"state": TaskState.FAILED if error else TaskState.SUCCEEDED, "progress": 1.0, "error": error}
        self.tasks[task.id] = task.model_copy(update=change)
        self.emit("task.saved", "task", task.id, state=str(change["state"]))
        return self.tasks[task.id]

    async def _cancel(self, request: web.Request) -> web.Response:
        task = self.tasks[request.match_info["ref"]].model_copy(update={"state": TaskState.CANCELLED})
        self.tasks[task.id] = task
        return web.json_response(task.model_dump(mode="json"))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self.events_forbidden:
            return problem(403, "You lack the permission event:read.", "access.denied")
        position = int(request.headers.get("Last-Event-ID") or len(self.events))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": connected\n\n")
        nouns = request.query.getall("noun", [])
        while True:
            for event in self.events[position:]:
                position = event.seq
                if not nouns or event.noun in nouns:
                    text = f"id: {event.seq}\nevent: {event.kind}\ndata: {event.model_dump_json()}\n\n".encode()
                    await response.write(text[:20])  # whoever reads must not rely on whole messages
                    await response.write(text[20:])
            await response.write(f": {position}\n\n".encode())
            if self.faults:
                await self.faults.popleft()(request)
            await asyncio.sleep(0.02)

    async def _ticket(self, request: web.Request) -> web.Response:
        if self._find(request.match_info["ref"]) is None:
            return no_such_vm(request)
        kind = (await request.json())["kind"]
        return web.json_response({"kind": kind, "path": f"{API}/consoles/good", "expires_at": samples.AT}, status=201)

    async def _console(self, request: web.Request) -> web.WebSocketResponse:
        """Greets and echoes in upper case; `bye` ends it."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_bytes(b"login: ")
        async for message in socket:
            if message.type is not WSMsgType.BINARY:
                break
            self.typed += message.data
            await socket.send_bytes(message.data.upper())
            if b"bye" in message.data:
                break
        await socket.close()
        return socket

    async def _begin(self, request: web.Request) -> web.Response:
        name = (await request.json())["name"]
        if name in self.images:
            return problem(409, f"An image named {name} exists already.", "image.name_taken", "Choose another name.")
        self.images[name] = samples.image(name)
        return web.json_response(self.images[name], status=201)

    def _image(self, request: web.Request) -> dict[str, Any]:
        ref = request.match_info["ref"]
        return next(image for image in self.images.values() if ref in (image["id"], image["name"]))

    async def _get_image(self, request: web.Request) -> web.Response:
        return web.json_response(self._image(request))

    async def _uploaded(self, request: web.Request) -> web.Response:
        return web.json_response({"offset": len(self.uploads.get(self._image(request)["id"], b""))})

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """Takes what comes; a fault may cut it off in the middle."""
        image_id, offset = self._image(request)["id"], int(request.query["offset"])
        assert offset == len(self.uploads.get(image_id, b""))
        async for chunk in request.content.iter_chunked(65536):
            self.uploads[image_id] = self.uploads.get(image_id, b"") + chunk
            if self.faults and len(self.uploads[image_id]) > 300_000:
                answer = await self.faults.popleft()(request)
                if answer is not None:
                    return answer
        return web.json_response({"offset": len(self.uploads.get(image_id, b""))})

    async def _finish(self, request: web.Request) -> web.Response:
        image = self._image(request)
        image["state"] = "ready"
        return web.json_response(self._submit(request, "import", image["id"], image["name"]), status=202)


def no_such_vm(request: web.Request) -> web.Response:
    ref = request.match_info["ref"]
    return problem(404, f"There is no VM {ref!r}.", "vm.not_found", "See `altus vm list`.")


async def drop(request: web.Request) -> None:
    """The connection breaks before an answer."""
    assert request.transport is not None
    request.transport.abort()


async def nothing(_request: web.Request) -> None:
    """No fault for this one."""


async def unavailable(_request: web.Request) -> web.Response:
    return problem(503, "The manager is starting.", "manager.starting", "Try again.")


@contextmanager
def serving(manager: FakeManager, tls: ssl.SSLContext | None = None) -> Iterator[FakeManager]:
    """Serves it from a thread of its own, on a free port."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(manager.application(), shutdown_timeout=0.1, handler_cancellation=True)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        manager.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield manager
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
