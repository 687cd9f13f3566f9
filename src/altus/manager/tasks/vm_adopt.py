"""`vm.adopt`: a domain of others becomes a VM. It is off; its disks lie in a repository and stay where they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import NETWORK, VM, VOLUME
from altus.manager.tasks import vm_build
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_build import VmBuild
from altus.manager.tasks.vm_parts import definition, require_host, require_pluggable
from altus.model.domain import refusals
from altus.model.permission import Permission
from altus.model.task import Lock, exclusive, shared
from altus.model.vm import VmState
from altus.model.volume import VolumeState
from altus.wire.operations import (
    HOST_DOMAINS,
    PORT_DELETE,
    PORT_ENSURE,
    VM_DEFINE,
    VM_GIVE_BACK,
    VM_TAKE,
    VOLUME_INSPECT,
    DomainRef,
    Nothing,
    PortEnsure,
    PortRef,
    VmDefine,
    VolumeRef,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class VmAdopt(VmBuild):
    """The VM that the domain becomes, with its id and on its host, and its volumes."""


def _locks(args: VmAdopt) -> Sequence[Lock]:
    return [
        exclusive("vm", args.vm.id),
        *(exclusive("volume", volume.id) for volume in args.volumes),
        *(shared("network", network) for network in sorted({nic.network_id for nic in args.vm.hardware.nics})),
    ]


async def _check(run: Run[VmAdopt]) -> None:
    """The domain must be as it was when it was asked for, and all of it be what a VM can have; its volumes must be
    whole, and refer to nothing outside of their repository."""
    vm = run.args.vm
    await require_host(run, vm)
    told = await run.call(vm.host_id or "", HOST_DOMAINS, Nothing())
    domain = next((one for one in told.domains if one.id == vm.id), None)
    if domain is None:
        raise Conflict(f"There is no domain {vm.id} on the host any more.", code="domain.gone",
                       hint="See `altus host unmanaged`.")  # fmt: skip
    why = refusals(domain)
    disks = tuple(disk.volume_id for disk in domain.disks)
    if why or disks != tuple(disk.volume_id for disk in vm.hardware.disks):
        raise Conflict(f"Domain {domain.name} cannot be adopted. {' '.join(why) or 'Its disks were changed.'}",
                       code="domain.not_adoptable", hint="Put that right, or leave it unmanaged.")  # fmt: skip
    for volume in run.args.volumes:
        seen = await run.call(vm.host_id or "", VOLUME_INSPECT,
                              VolumeRef(storage_id=volume.storage_id, volume_id=volume.id))  # fmt: skip
        if seen.facts is None:
            raise Conflict(f"Its disk {volume.id} is not there.", code="volume.missing", hint="Bring its file back.")

    def look(tx: Tx) -> None:
        for nic in vm.hardware.nics:
            require_pluggable(vm, NETWORK.get(tx, nic.network_id))

    await run.db.read(look)


async def _ports(run: Run[VmAdopt]) -> None:
    for nic in run.args.vm.hardware.nics:
        await run.call(run.args.vm.host_id or "", PORT_ENSURE, PortEnsure(port=nic.port))


async def _remove_ports(run: Run[VmAdopt]) -> None:
    for nic in run.args.vm.hardware.nics:
        await run.call(run.args.vm.host_id or "", PORT_DELETE, PortRef(port_id=nic.id))


async def _take(run: Run[VmAdopt]) -> None:
    await run.call(run.args.vm.host_id or "", VM_TAKE, DomainRef(domain_id=run.args.vm.id))


async def _give_back(run: Run[VmAdopt]) -> None:
    """As it was, whatever was defined since."""
    await run.call(run.args.vm.host_id or "", VM_GIVE_BACK, DomainRef(domain_id=run.args.vm.id))


async def _define(run: Run[VmAdopt]) -> None:
    await run.call(run.args.vm.host_id or "", VM_DEFINE, VmDefine(vm=definition(run.args.vm)))


def _finish(run: Run[VmAdopt], tx: Tx) -> None:
    for volume in run.args.volumes:
        VOLUME.change(tx, volume.id, state=VolumeState.READY)
    if VM.get(tx, run.args.vm.id).state is VmState.CREATING:
        VM.change(tx, run.args.vm.id, state=VmState.STOPPED)


VM_ADOPT = TaskType(
    "vm.adopt",
    VmAdopt,
    title="Adopt a domain as VM",
    permission=Permission.VM_CREATE,
    noun="vm",
    locks=_locks,
    check=_check,
    steps=(
        Step("ports", "Make its network ports", _ports, undo=_remove_ports),
        Step("take", "Take the domain over", _take, undo=_give_back),
        Step("define", "Define it as a VM", _define),
    ),
    on_success=_finish,
    on_undone=vm_build.forget,
    on_stuck=vm_build.give_up,
)
