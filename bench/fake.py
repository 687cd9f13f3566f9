"""The manager's own speed: fake drivers, 5,000 VMs."""

from __future__ import annotations

import asyncio
import time

from altus.model.pool import MAX_RATIO
from altus.wire.pools import PoolEdit
from altus.wire.resources import NetworkCreate
from bench.api import Api, all_done, api_of, created
from bench.rig import Rig, rig
from bench.table import Row, percentile

_ROUNDS = 200
_SETTLING = 10.0
_LASTING_RATE = 25


async def measure(*, vms: int, seconds: float) -> list[Row]:
    """All rows; `vms` to make, `seconds` of the steady-rate and idle measurements."""
    async with rig(fake=True) as made, api_of(made.url, made.token, made.ca) as api:
        await _network(made)
        rows = [await _creations(api, vms)]
        rows += [await _page(api), await _one(api), await _steady(made, api, seconds)]
        return rows


async def lasting(*, seconds: float) -> list[Row]:
    """Creations that are asked for evenly, more than must be possible, for so many `seconds`."""
    async with rig(fake=True) as made, api_of(made.url, made.token, made.ca) as api:
        await _network(made)
        took, began = [], time.monotonic()

        async def one(number: int) -> None:
            await asyncio.sleep(began + number / _LASTING_RATE - time.monotonic())
            asked = time.monotonic()
            await api.create(f"vm{number:05d}")
            took.append(1000 * (time.monotonic() - asked))

        await asyncio.gather(*(one(number) for number in range(int(seconds * _LASTING_RATE))))
        await all_done(api)
        rate = len(took) / (time.monotonic() - began)
        note = (
            f"{len(took)} VMs, {_LASTING_RATE} asked for a second; accepted within {percentile(took, 0.95):.0f} ms, p95"
        )
        return [Row(f"VM creations a second, for {seconds / 60:.0f} minutes", rate, "/s", 20.0, note, at_least=True)]


async def _network(made: Rig) -> None:
    await made.altus.pools.edit("default", PoolEdit(vcpu_ratio=MAX_RATIO, memory_ratio=MAX_RATIO))
    await made.altus.networks.create(NetworkCreate(name="lan", cidr="10.0.0.0/16")).run()


async def idle(made: Rig, seconds: float) -> Row:
    """The CPU both processes take when nothing happens, and what happened before has been looked at."""
    await asyncio.sleep(_SETTLING)
    processes = (made.manager, made.agent)
    before = [sum(process.cpu_times()[:2]) for process in processes]
    await asyncio.sleep(seconds)
    used = sum(sum(process.cpu_times()[:2]) for process in processes) - sum(before)
    return Row("idle CPU of manager + agent", 100 * used / seconds, "%", 1.0, f"over {seconds:.0f} s")


async def _creations(api: Api, vms: int) -> Row:
    """From the first request until the last task is done."""
    accepted, took = await created(api, vms)
    note = f"{vms} VMs in {took:.1f} s, accepted in {accepted:.1f} s"
    return Row("VM creations a second, sustained", vms / took, "/s", 20.0, note, at_least=True)


async def _timed(api: Api, paths: list[str]) -> list[float]:
    took = []
    for path in paths:
        began = time.monotonic()
        await api.get(path)
        took.append(1000 * (time.monotonic() - began))
    return took


async def _page(api: Api) -> Row:
    took = await _timed(api, ["/vms?limit=100&sort=name"] * _ROUNDS)
    return Row("page of 100 VMs, p95", percentile(took, 0.95), "ms", 30.0, f"median {percentile(took, 0.5):.1f} ms")


async def _one(api: Api) -> Row:
    ids = [vm["id"] for vm in (await api.get("/vms?limit=100&fields=id"))["items"]]
    took = await _timed(api, [f"/vms/{vm_id}" for vm_id in ids * 2])
    return Row("one VM, p95", percentile(took, 0.95), "ms", 10.0, f"median {percentile(took, 0.5):.1f} ms")


async def _steady(made: Rig, api: Api, seconds: float) -> Row:
    """2.5 creations a second, evenly: the share of one core that the manager takes."""
    before, began, number = sum(made.manager.cpu_times()[:2]), time.monotonic(), 0
    while time.monotonic() - began < seconds:
        await api.create(f"steady{number:05d}")
        number += 1
        await asyncio.sleep(max(0.0, began + number / 2.5 - time.monotonic()))
    used = sum(made.manager.cpu_times()[:2]) - before
    share = 100 * used / (time.monotonic() - began)
    return Row("manager's CPU at 2.5 creations a second", share, "% of a core", 50.0, f"{number} VMs")


async def memory(made: Rig) -> Row:
    """Resident memory of both processes."""
    used = sum(process.memory_info().rss for process in (made.manager, made.agent)) / (1 << 20)
    return Row("memory of manager + agent", used, "MB", 250.0, "RSS, real drivers, idle")
