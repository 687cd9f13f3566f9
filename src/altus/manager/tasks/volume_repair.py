"""`volume.repair`: remove copies of a VM's disk that a migration has left on other storage (ADR 21).

The disk itself must be where the database says, in use by its VM there; and a copy goes only from a host that answers
and has neither this VM nor any other domain that uses it. Otherwise nothing is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, STORAGE, VM, VOLUME
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.model.domain import DomainFacts
from altus.model.permission import Permission
from altus.model.task import exclusive
from altus.model.vm import Vm
from altus.model.volume import Volume, VolumeState
from altus.wire.operations import HOST_DOMAINS, VOLUME_DELETE, VOLUME_INSPECT, Nothing, VolumeRef


@dataclass(frozen=True, kw_only=True)
class VolumeRepair:
    """Which volume, and the VM that it is a disk of."""

    volume_id: str
    vm_id: str


def _settled(tx: Tx, args: VolumeRepair) -> tuple[Vm, Volume]:
    """The VM, which has a host, and its disk; `Conflict` (`volume.copy_uncertain`) if it is not certain that it is."""
    volume, vm = VOLUME.get(tx, args.volume_id), VM.get(tx, args.vm_id)
    disk = volume.id in {disk.volume_id for disk in vm.hardware.disks}
    ready = volume.state is VolumeState.READY and volume.storage_id == vm.storage_id
    if not disk or not ready or vm.host_id is None or vm.other_host_id is not None:
        raise _uncertain(volume, f"it is not a settled disk of VM {vm.name}")
    return vm, volume


def _uncertain(volume: Volume, why: str) -> Conflict:
    return Conflict(f"No copy of volume {volume.name} is removed, since {why}.", code="volume.copy_uncertain",
                    hint="See `altus doctor`. What is certain to be worthless may be removed by hand.")  # fmt: skip


async def _check(run: Run[VolumeRepair]) -> None:
    await run.db.read(lambda tx: _settled(tx, run.args))


async def _find(run: Run[VolumeRepair]) -> list[tuple[str, str]]:
    """Hosts, and the repositories of theirs that have a copy which nobody uses."""
    vm, volume = await run.db.read(lambda tx: _settled(tx, run.args))
    await _require_own(run, vm, volume)
    found = []
    for host_id, storage_ids in await run.db.read(lambda tx: _others(tx, run, volume)):
        copies = [storage_id for storage_id in storage_ids if await _is_at(run, host_id, storage_id)]
        if copies:
            _require_unused(volume, vm, host_id, await _domains(run, host_id))
        found += [(host_id, storage_id) for storage_id in copies]
    if not found:
        raise _uncertain(volume, "none is found in a repository that only one host reaches, and which answers")
    return found


async def _require_own(run: Run[VolumeRepair], vm: Vm, volume: Volume) -> None:
    """The VM's host has its disk, and a definition with it: else a copy may be all that is left of it."""
    host_id = vm.host_id or ""
    used = any(_uses(domain, volume.id, volume.storage_id) for domain in await _domains(run, host_id)
               if domain.id == vm.id)  # fmt: skip
    if not used or not await _is_at(run, host_id, volume.storage_id):
        raise _uncertain(volume, f"its VM {vm.name} does not have it where the database says")


def _require_unused(volume: Volume, vm: Vm, host_id: str, domains: Iterable[DomainFacts]) -> None:
    for domain in domains:
        if domain.id == vm.id and vm.host_id != host_id:
            raise _uncertain(volume, f"VM {vm.name} is known on the host of the copy, too")
        if any(disk.volume_id == volume.id and disk.storage_id != volume.storage_id for disk in domain.disks):
            raise _uncertain(volume, f"domain {domain.name} uses it")


def _uses(domain: DomainFacts, volume_id: str, storage_id: str) -> bool:
    return any((disk.volume_id, disk.storage_id) == (volume_id, storage_id) for disk in domain.disks)


def _others(tx: Tx, run: Run[VolumeRepair], volume: Volume) -> Sequence[tuple[str, list[str]]]:
    """Hosts that answer, and the repositories that they alone reach, but for that which has the volume. Of a shared one
    nobody knows all who use it."""
    own = [storage for storage in STORAGE.all(tx) if storage.host_id is not None and storage.id != volume.storage_id]
    return [(host.id, [storage.id for storage in own if storage.host_id == host.id])
            for host in HOST.all(tx) if run.world.agents.is_up(host.id)]  # fmt: skip


async def _domains(run: Run[VolumeRepair], host_id: str) -> Sequence[DomainFacts]:
    return (await run.call(host_id, HOST_DOMAINS, Nothing())).domains


async def _is_at(run: Run[VolumeRepair], host_id: str, storage_id: str) -> bool:
    request = VolumeRef(storage_id=storage_id, volume_id=run.args.volume_id)
    return (await run.call(host_id, VOLUME_INSPECT, request)).facts is not None


async def _plan(run: Run[VolumeRepair]) -> dict[str, Any]:
    found = await _find(run)
    return {"copies": await run.db.read(lambda tx: [STORAGE.get(tx, storage_id).name for _, storage_id in found])}


async def _remove(run: Run[VolumeRepair]) -> None:
    for host_id, storage_id in run.result_of("find"):
        await run.call(host_id, VOLUME_DELETE, VolumeRef(storage_id=storage_id, volume_id=run.args.volume_id))


VOLUME_REPAIR_TASK = TaskType(
    "volume.repair",
    VolumeRepair,
    title="Remove old copies of volume",
    permission=Permission.VOLUME_WRITE,
    noun="volume",
    locks=lambda args: [exclusive("volume", args.volume_id), exclusive("vm", args.vm_id)],
    check=_check,
    plan=_plan,
    steps=(
        Step("find", "Find copies that nobody uses", _find),
        Step("remove", "Remove them", _remove),
    ),
)
