"""`altus doctor`: compares the database with what every host really has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from altus.common.errors import AltusError
from altus.manager.store import ports
from altus.manager.store import tasks as task_rows
from altus.manager.store.database import Tx
from altus.manager.store.resources import (
    FLOATING_IP,
    FORWARD,
    HOST,
    IMAGE,
    NETWORK,
    ROUTER,
    SECURITY_GROUP,
    SNAPSHOT,
    VM,
    VOLUME,
)
from altus.manager.tasks.run import World
from altus.model.actor import Actor
from altus.model.consistency import Finding, Intent, Truth, compare, compare_database
from altus.model.host import Host, HostState
from altus.model.permission import Permission
from altus.model.snapshot import Snapshot
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
        hosts = await self.world.db.read(lambda tx: HOST.all(tx, HOST.table.c.state != HostState.ENROLLING))
        results = await asyncio.gather(*(self.look(host) for host in hosts))
        nowhere = await self.world.db.read(_database)
        return Diagnosis(
            checked={"host": len(hosts), **_sum([checked for checked, _ in results])},
            findings=[finding for _, findings in results for finding in findings] + nowhere,
        )

    async def look(self, host: Host) -> tuple[dict[str, int], list[Finding]]:
        """One host: how much was compared, and what does not agree. For clocks: nobody asks who may."""
        before, newest = await self.world.db.read(lambda tx: (task_rows.claimed(tx), task_rows.last_seq(tx)))
        try:
            census = await self.world.agents.call(host.id, HOST_CENSUS, Nothing())
        except AltusError as error:
            # people know hosts by names
            why = error.message.replace(f"Host {host.id}", "It").replace(host.id, host.name)
            return {}, [Finding("host.silent", "host", host.id, f"Host {host.name}: {why}", error.hint)]
        stored = {storage: {facts.id for facts in volumes} for storage, volumes in census.volumes.items()}
        intent = await self.world.db.read(
            lambda tx: _intent(tx, host.id, stored, before | task_rows.claimed_since(tx, newest))
        )
        checked = {
            "vm": len(intent.vms),
            "volume": len(intent.volumes),
            "snapshot": len(intent.snapshots),
            "image": sum(image.storage_id in census.images for image in intent.images),
            "network": len(intent.networks),
            "security_group": len(intent.security_groups),
            "floating_ip": len(intent.floating_ips),
            "forward": len(intent.forwards),
            "router": len(intent.routers),
            "port": sum(len(vm.hardware.nics) for vm in intent.vms),
        }
        return checked, await asyncio.to_thread(compare, intent, _truth(census))  # of thousands it takes long


def _intent(tx: Tx, host_id: str, stored: Mapping[str, set[str]], busy: frozenset[str]) -> Intent:
    """What should be on the host and on the storages it reaches, on which volumes are `stored`; `busy` is what tasks
    claimed while the host was asked."""
    volumes = VOLUME.all(tx, VOLUME.table.c.storage_id.in_(stored))
    strange = set[str]().union(*stored.values()) - {volume.id for volume in volumes}
    found = (VOLUME.peek(tx, volume_id) for volume_id in strange)
    return Intent(
        vms=VM.all(tx, VM.table.c.host_id == host_id),
        volumes=volumes,
        elsewhere=[volume for volume in found if volume is not None],
        images=IMAGE.all(tx),
        networks=NETWORK.all(tx),
        security_groups=SECURITY_GROUP.all(tx),
        snapshots=_snapshots(tx, host_id),
        floating_ips=FLOATING_IP.all(tx),
        routers=ROUTER.all(tx),
        forwards=FORWARD.all(tx),
        ports=ports.all_ids(tx),
        busy=busy,
    )


def _snapshots(tx: Tx, host_id: str) -> list[Snapshot]:
    """Of the host's VMs."""
    here = {vm.id for vm in VM.all(tx, VM.table.c.host_id == host_id)}
    return [one for one in SNAPSHOT.all(tx) if one.vm_id in here]


def _database(tx: Tx) -> list[Finding]:
    return compare_database(VM.all(tx), ports.all_ids(tx), task_rows.claimed(tx))


def _truth(census: Census) -> Truth:
    return Truth(
        vms=census.vms,
        processes=census.processes,
        volumes=census.volumes,
        layers=census.layers,
        images=census.images,
        networks=census.networks,
        ports=census.ports,
        security_groups=census.security_groups,
        memberships=census.memberships,
        limits=census.limits,
        routers=census.routers,
        translations=census.translations,
        domains=census.domains,
    )


def _sum(counts: list[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for noun, count in one.items():
            total[noun] = total.get(noun, 0) + count
    return total
