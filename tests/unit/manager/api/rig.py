"""A whole manager in this process, behind real HTTP on loopback, with a real agent on fake drivers behind real TLS."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn

from altus.agent.app import AgentServer
from altus.agent.enrol import enrol
from altus.common.ids import new_id
from altus.common.units import MIB
from altus.manager.api.app import create_api
from altus.manager.app import Manager, running
from altus.manager.services.directory import Services
from altus.manager.settings import ManagerSettings
from altus.model.account import BUILTIN_ACCOUNTS
from altus.model.permission import Duty
from altus.wire.agent import EnrolToken
from testbed.local_hosts import LocalHost

PREFIX = "/api/v1"
_PATIENCE = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back; `json` is None if it was not JSON."""

    status: int
    headers: dict[str, str]
    body: bytes
    json: Any

    @property
    def code(self) -> str:
        """The problem's code; empty for success."""
        return str(self.json.get("code", "")) if self.status >= 400 and isinstance(self.json, dict) else ""


@dataclass
class Rig:
    """`tokens` are API tokens of the three administrators; `host` is what the agent runs on."""

    url: str
    session: aiohttp.ClientSession
    manager: Manager
    host: LocalHost
    tokens: dict[Duty, str]
    folder: Path
    made: dict[str, str] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        """What the routes use."""
        return self.manager.services

    async def call(self, method: str, path: str, body: Any = None, *, token: str | None = None,
                   duty: Duty = Duty.SYSTEM, **options: Any) -> Answer:  # fmt: skip
        """One request as the administrator of a duty, or with this token (empty: none). `body` is sent as JSON unless
        `data` is given."""
        token = self.tokens[duty] if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        if body is not None:
            options["json"] = body
        url = f"{self.url}{PREFIX}{path}" if path.startswith("/") else path
        async with self.session.request(method, url, headers=headers, **options) as got:
            content = await got.read()
            is_json = "json" in got.headers.get("content-type", "")
            plain = json.loads(content) if is_json and content else None
            return Answer(got.status, {name.lower(): value for name, value in got.headers.items()}, content, plain)

    async def good(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """A request that must succeed; its JSON."""
        answer = await self.call(method, path, body, **options)
        assert answer.status < 300, (method, path, answer)
        return answer.json

    async def done(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """A change that must succeed; its finished task."""
        task = await self.ended((await self.good(method, path, body, **options))["id"])
        assert task["state"] == "succeeded", task
        return task

    async def ended(self, task_id: str) -> Any:
        """The task when it has ended."""
        news = self.services.db.news
        async with asyncio.timeout(_PATIENCE):
            while True:
                seen = news.count
                task = await self.good("GET", f"/tasks/{task_id}")
                if task["finished_at"] is not None:
                    return task
                await news.wait(seen, 1.0)

    async def image(self) -> str:
        """The id of a ready image."""
        if "image" not in self.made:
            self.made["image"] = (await self.done("POST", "/images/build", {"image": "tiny"}))["object_id"]
        return self.made["image"]

    async def network(self) -> str:
        """The id of a ready network."""
        if "network" not in self.made:
            body = {"name": "lan", "cidr": "10.20.0.0/16"}
            self.made["network"] = (await self.done("POST", "/networks", body))["object_id"]
        return self.made["network"]

    async def vm_body(self, **fields: Any) -> dict[str, Any]:
        """What a small VM is asked for with."""
        nics = [{"network": await self.network()}]
        return {"name": name("vm"), "memory": 64 * MIB, "image": await self.image(), "nics": nics} | fields

    async def vm(self, **fields: Any) -> dict[str, Any]:
        """A new VM."""
        task = await self.done("POST", "/vms", await self.vm_body(**fields))
        found: dict[str, Any] = await self.good("GET", f"/vms/{task['object_id']}")
        return found

    async def volume(self, **fields: Any) -> str:
        """The id of a new volume."""
        body = {"name": name("volume"), "size": 2 * MIB} | fields
        return str((await self.done("POST", "/volumes", body))["object_id"])

    async def until(self, path: str, **fields: Any) -> Any:
        """The object at this path once its fields are so."""
        news = self.services.db.news
        async with asyncio.timeout(_PATIENCE):
            while True:
                seen = news.count
                found = await self.good("GET", path)
                if all(found[key] == value for key, value in fields.items()):
                    return found
                await news.wait(seen, 1.0)

    async def require_healthy(self) -> None:
        """The doctor finds nothing."""
        verdict = await self.good("GET", "/doctor")
        assert verdict["healthy"], verdict["findings"]

    async def user(self, role: str = "", **scope: str) -> tuple[str, str]:
        """A new account (its id), with a role within a scope if given, and an API token of its own."""
        made = await self.good("POST", "/users", {"name": name("user")})
        if role:
            grant = {"subject": made["id"], "role": role, "scope": scope or {"kind": "everything"}}
            await self.good("POST", "/grants", grant, duty=Duty.SECURITY)
        token = await self.services.security.local.issue_token(made["name"], name("token"))
        return made["id"], token


def name(prefix: str) -> str:
    """A name that nothing else has."""
    return f"{prefix}-{new_id()[-12:]}"


def _listening() -> tuple[socket.socket, int]:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock, int(sock.getsockname()[1])


@contextlib.asynccontextmanager
async def serving(folder: Path, **settings: Any) -> AsyncIterator[Rig]:
    """A manager and one enrolled host that is up."""
    sock, port = _listening()
    # The loop of both may stand still while tests on loops of their own run: then neither has a sign of life from the
    # other, and the server ends connections in the very moment in which the client takes one up again.
    own = ManagerSettings(state_dir=folder / "manager", public_url=f"http://127.0.0.1:{port}", local_credentials=None,
                          port=port, node="rig", host_silence_seconds=3600.0, **settings)  # fmt: skip
    connector = aiohttp.TCPConnector(force_close=True)
    async with running(own) as manager, aiohttp.ClientSession(connector=connector) as session:
        config = uvicorn.Config(create_api(manager.services), log_config=None, ws="websockets-sansio", lifespan="off",
                                timeout_graceful_shutdown=1)  # fmt: skip
        server = uvicorn.Server(config)
        sock.listen()  # so that whoever comes early waits instead of being refused
        api = asyncio.create_task(server.serve(sockets=[sock]))
        local = manager.services.security.local
        tokens = {duty: await local.issue_token(BUILTIN_ACCOUNTS[duty], "rig") for duty in Duty}
        async with _agent(folder, own.url, session, tokens[Duty.SYSTEM]) as host:
            rig = Rig(own.url, session, manager, host, tokens, folder)
            await rig.until(f"/hosts/{host.id}", state="up")
            yield rig
        server.should_exit = True
        await api


@contextlib.asynccontextmanager
async def _agent(folder: Path, url: str, session: aiohttp.ClientSession, token: str) -> AsyncIterator[LocalHost]:
    """An agent that enrols as a real one does, and listens."""
    headers = {"Authorization": f"Bearer {token}"}
    async with session.post(f"{url}{PREFIX}/hosts/enrol", json={"name": "host1"}, headers=headers) as got:
        secret = EnrolToken.decode((await got.json())["token"])
    probe, port = _listening()
    probe.close()
    host_id = await enrol(secret, folder / "agent", "host1", f"127.0.0.1:{port}")
    host = LocalHost(host_id, folder / "host", tls=folder / "agent" / "tls")
    server = AgentServer(host.core, host.identity)
    await server.start("127.0.0.1", port)
    try:
        yield host
    finally:
        await server.close()
