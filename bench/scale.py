"""`./dev bench scale`: a pool of many hosts and VMs against one real manager.

The agents are real but for their drivers, many in each of a few processes, so that their work is not taken for the
manager's.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from altus.model.pool import MAX_RATIO
from altus.model.vm import VmState
from altus.wire.pools import PoolEdit
from altus.wire.resources import NetworkCreate
from bench.api import Api, api_of, created
from bench.crowd import Seat
from bench.rig import ManagerRig, hosts_up, manager_rig, until
from bench.table import Row, percentile
from devkit import progress

_CROWD = 25
"""Agents in one process."""
_FIRST_PORT = 20_000
"""Where agents listen; connections of others begin at ports from 32,768 on."""
_RATE = 30.0
"""Requests a second."""
_CHANGES, _CHANGE_PAUSE = 100, 0.2
_SETTLING = 60.0
"""Seconds after which every host was compared with the database since something happened."""
_MIB = 1 << 20


class CrowdProcess:
    """A process of many agents."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    async def say(self, line: str) -> str:
        """What it answers."""
        reads, writes = self._process.stdout, self._process.stdin
        assert reads is not None
        assert writes is not None
        async with self._turn:
            writes.write(line.encode() + b"\n")
            await writes.drain()
            answer = (await reads.readline()).decode().strip()
        if not answer:
            raise RuntimeError("a process of agents has ended")
        return answer


async def measure(*, hosts: int, vms: int, seconds: float) -> list[Row]:
    """All rows, for so many hosts and VMs."""
    async with manager_rig() as made, api_of(made.url, made.token, made.ca) as api, _crowds(made, hosts) as crowds:
        await made.altus.pools.edit("default", PoolEdit(vcpu_ratio=MAX_RATIO, memory_ratio=MAX_RATIO))
        await made.altus.networks.create(NetworkCreate(name="lan", cidr="10.0.0.0/16")).run()
        with progress.waiting(f"{vms} VMs on {hosts} hosts"):
            await created(api, vms, start=True)
        rows = await _idle(made, seconds, f"{hosts} hosts, {vms} running VMs, over {seconds:.0f} s")
        rows.append(await _changes(made, api, crowds))
        rows.append(await _pages(made, api, seconds))
        rows.append(await _all(api, vms))
        return rows


@asynccontextmanager
async def _crowds(made: ManagerRig, hosts: int) -> AsyncIterator[dict[str, CrowdProcess]]:
    """Hosts that are up, by their names each the process that has it."""
    found: dict[str, CrowdProcess] = {}
    async with AsyncExitStack() as stack:
        for first in range(0, hosts, _CROWD):
            seats = [await _seat(made, number) for number in range(first, min(first + _CROWD, hosts))]
            crowd = await stack.enter_async_context(_crowd())
            if await crowd.say(json.dumps([dataclasses.asdict(seat) for seat in seats])) != "ready":
                raise RuntimeError("agents did not start")
            found |= {seat.name: crowd for seat in seats}
        await until(lambda: hosts_up(made.altus, hosts))
        yield found


async def _seat(made: ManagerRig, number: int) -> Seat:
    name = f"host{number:03d}"
    token = (await made.altus.hosts.enrol_token(name)).token
    return Seat(name=name, port=_FIRST_PORT + number, folder=str(made.folder / name), token=token,
                network=str(made.folder / "network.db"))  # fmt: skip


@asynccontextmanager
async def _crowd() -> AsyncIterator[CrowdProcess]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.crowd", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield CrowdProcess(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def _idle(made: ManagerRig, seconds: float, note: str) -> list[Row]:
    """What the manager takes when nothing happens, and what happened before has been looked at."""
    await asyncio.sleep(_SETTLING)
    before = sum(made.process.cpu_times()[:2])
    await asyncio.sleep(seconds)
    share = 100 * (sum(made.process.cpu_times()[:2]) - before) / seconds
    memory = made.process.memory_info().rss / _MIB
    return [Row("a large pool: idle CPU of the manager", share, "% of a core", 25.0, note),
            Row("the same: its memory", memory, "MB", 600.0, "RSS")]  # fmt: skip


async def _changes(made: ManagerRig, api: Api, crowds: dict[str, CrowdProcess]) -> Row:
    """VMs crash one after the other; how long until a client of the event stream knows."""
    names = {host.id: host.name async for host in made.altus.hosts.each()}
    vms = (await api.get(f"/vms?limit={_CHANGES}&sort=id"))["items"]
    seen: dict[str, float] = {}
    listening = asyncio.Event()

    async def listen() -> None:
        async with aclosing(api.events("vm")) as events:
            async for event in events:
                listening.set()
                if event and event["object_id"] in wanted and event["data"].get("state") == VmState.CRASHED:
                    seen.setdefault(event["object_id"], time.monotonic())

    wanted = {vm["id"] for vm in vms}
    listener = asyncio.create_task(listen())
    try:
        await listening.wait()
        began = {}
        for vm in vms:
            began[vm["id"]] = float(await crowds[names[vm["host_id"]]].say(vm["id"]))
            await asyncio.sleep(_CHANGE_PAUSE)
        await until(lambda: _are_in(seen, wanted))
    finally:
        listener.cancel()
    took = [seen[vm_id] - at for vm_id, at in began.items()]
    note = f"{len(took)} crashes, {1 / _CHANGE_PAUSE:g} a second; median {percentile(took, 0.5):.2f} s"
    return Row("the same: from a change on a host to an event client, p95", percentile(took, 0.95), "s", 1.0, note)


async def _are_in(seen: dict[str, float], wanted: set[str]) -> bool:
    return wanted <= seen.keys()


async def _pages(made: ManagerRig, api: Api, seconds: float) -> Row:
    """Pages are asked for at an even rate, whether the ones before were answered or not."""
    cursors, after = [""], ""
    while (after := (await api.get(f"/vms?limit=100&sort=name&fields=id{after}"))["next"] or "") != "":
        after = f"&after={after}"
        cursors.append(after)
    took: list[float] = []

    async def ask(at: float) -> None:
        await api.get(f"/vms?limit=100&sort=name{random.choice(cursors)}")  # noqa: S311 - any page
        took.append(1000 * (time.monotonic() - at))

    began, before, asked = time.monotonic(), sum(made.process.cpu_times()[:2]), set()
    for number in range(int(seconds * _RATE)):
        at = began + number / _RATE
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        asked.add(asyncio.create_task(ask(at)))
    await asyncio.gather(*asked)
    share = 100 * (sum(made.process.cpu_times()[:2]) - before) / (time.monotonic() - began)
    load = f"{_RATE:g} a second, {share:.0f} % of a core"
    note = f"any page, {load}; median {percentile(took, 0.5):.1f} ms"
    return Row("the same: page of 100 VMs, p95", percentile(took, 0.95), "ms", 30.0, note)


async def _all(api: Api, vms: int) -> Row:
    """Every VM, page by page as large as may be; the median of five times."""
    took = []
    for _ in range(5):
        began, found, after = time.monotonic(), 0, ""
        while True:
            page = await api.get(f"/vms?limit=1000{after}")
            found += len(page["items"])
            if not page["next"]:
                break
            after = f"&after={page['next']}"
        took.append(time.monotonic() - began)
        if found < vms:
            raise RuntimeError(f"{found} of {vms} VMs are listed")
    return Row(
        f"the same: all {vms} VMs listed", percentile(took, 0.5), "s", 1.0, "1,000 a page, one page after another"
    )
