"""`altus doctor`: compares the database with what every host really has."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from altus.common.errors import AltusError
from altus.manager.store import ports
from altus.manager.store import tasks as task_rows
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, IMAGE, NETWORK, VM, VOLUME
from altus.manager.tasks.run import World
from altus.model.actor import Actor
from altus.model.consistency import Finding, Intent, Truth, compare
from altus.model.host import Host
from altus.model.permission import Permission
from altus.model.task import Task
from altus.wire.operations import HOST_CENSUS, Census, Nothing


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What was compared (how many of each noun) and what does not agree."""

    checked: dict[str, int]
    findings: list[Finding]


class DoctorService:
    """Looks; repairs nothing."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def examine(self, actor: Actor) -> Diagnosis:
        """Everything; a host that does not answer is a finding, too."""
        actor.require(Permission.SYSTEM_CHECK)
        hosts = await self.world.db.read(HOST.all)
        results = await asyncio.gather(*(self._examine(host) for host in hosts))
        return Diagnosis(
            checked={"host": len(hosts), **_sum([checked for checked, _ in results])},
            findings=[finding for _, findings in results for finding in findings],
        )

    async def _examine(self, host: Host) -> tuple[dict[str, int], list[Finding]]:
        before = await self.world.db.read(task_rows.unfinished)
        try:
            census = await self.world.agents.call(host.id, HOST_CENSUS, Nothing())
        except AltusError as error:
            return {}, [Finding("host.silent", "host", host.id, f"Host {host.name}: {error.message}", error.hint)]
        intent = await self.world.db.read(lambda tx: _intent(tx, host.id, before))
        checked = {
            "vm": len(intent.vms),
            "volume": len(intent.volumes),
            "image": len(intent.images),
            "network": len(intent.networks),
            "port": len(intent.ports),
        }
        return checked, compare(intent, _truth(census))


def _intent(tx: Tx, host_id: str, before: list[Task]) -> Intent:
    """What should be on the host; tasks that ran while the host was asked make their objects busy."""
    tasks = [*before, *task_rows.unfinished(tx)]
    busy = {lock.resource.partition(":")[2] for task in tasks for lock in task.locks}
    return Intent(
        vms=VM.all(tx, VM.table.c.host_id == host_id),
        volumes=VOLUME.all(tx),
        images=IMAGE.all(tx),
        networks=NETWORK.all(tx),
        ports=ports.all_ids(tx),
        busy=frozenset(busy),
    )


def _truth(census: Census) -> Truth:
    return Truth(
        vms=census.vms,
        processes=census.processes,
        volumes=census.volumes,
        images=census.images,
        networks=census.networks,
        ports=census.ports,
    )


def _sum(counts: list[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for noun, count in one.items():
            total[noun] = total.get(noun, 0) + count
    return total
