"""Bare HTTP for benchmarks: what is measured is the manager, not a client library."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

AT_ONCE = 32


@dataclass
class Api:
    """The manager's, as the system administrator."""

    session: aiohttp.ClientSession
    url: str

    async def get(self, path: str) -> dict[str, Any]:
        """A JSON answer."""
        async with self.session.get(f"{self.url}/api/v1{path}") as response:
            response.raise_for_status()
            answer: dict[str, Any] = await response.json()
            return answer

    async def create(self, name: str, *, start: bool = False) -> None:
        """Queue the creation of a VM with a disk and a NIC."""
        body = {"name": name, "disk_size": 1 << 30, "memory": 128 << 20, "nics": [{"network": "lan"}], "start": start}
        async with self.session.post(f"{self.url}/api/v1/vms", json=body) as response:
            response.raise_for_status()

    async def events(self, noun: str) -> AsyncGenerator[dict[str, Any]]:
        """What happens from now on; first an empty one, when now is."""
        url, patience = f"{self.url}/api/v1/events?noun={noun}", aiohttp.ClientTimeout(total=None)
        async with self.session.get(url, timeout=patience) as response:
            async for line in response.content:
                if line.startswith(b"data:"):
                    yield json.loads(line.removeprefix(b"data:"))
                elif line.startswith(b": connected"):
                    yield {}


@asynccontextmanager
async def api_of(url: str, token: str, ca: Path) -> AsyncIterator[Api]:
    """With so many connections as are used at once."""
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(ca)), limit=AT_ONCE)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}, connector=connector) as session:
        yield Api(session, url)


async def created(api: Api, vms: int, *, start: bool = False) -> tuple[float, float]:
    """Make so many VMs; seconds until the last was accepted, and until the last task was done."""
    names = iter(range(vms))
    began = time.monotonic()

    async def worker() -> None:
        for number in names:
            await api.create(f"vm{number:05d}", start=start)

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    accepted = time.monotonic() - began
    await all_done(api)
    return accepted, time.monotonic() - began


async def all_done(api: Api) -> None:
    """Wait until all tasks are; RuntimeError if one has failed."""
    while (await api.get("/tasks?filter=state:queued,running,undoing&limit=1"))["items"]:
        await asyncio.sleep(0.1)
    failed = (await api.get("/tasks?filter=state:failed&limit=1"))["items"]
    if failed:
        raise RuntimeError(f"a creation failed: {failed[0]['error']}")
