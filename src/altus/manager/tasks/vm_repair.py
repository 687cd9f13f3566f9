"""`vm.repair`: have the host know the VM as the database does: its ports and its definition. Disks are never made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from altus.manager.store.database import Tx
from altus.manager.store.resources import NETWORK
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_parts import definition, record, require_disks, require_host, the_host, the_vm
from altus.model.domain import differences, live_differences
from altus.model.network import Network
from altus.model.permission import Permission
from altus.model.task import exclusive
from altus.model.vm import VmState
from altus.model.vm_action import VmAction, require
from altus.wire.operations import (
    HOST_DOMAINS,
    NETWORK_ENSURE,
    PORT_ENSURE,
    VM_DEFINE,
    NetworkEnsure,
    Nothing,
    PortEnsure,
    VmDefine,
)

_REMOVED = "its definition was removed"
"""Which a guest that runs does not notice: it has what the database says."""


@dataclass(frozen=True, kw_only=True)
class VmRepair:
    """Which VM."""

    vm_id: str


async def _check(run: Run[VmRepair]) -> None:
    vm = await the_vm(run, run.args.vm_id)
    await require_host(run, vm)
    require(vm, VmAction.REPAIR)
    await require_disks(run, vm)


async def _compare(run: Run[VmRepair]) -> list[str]:
    """How the VM's definition differs, in words; found once, since a later look finds what was repaired."""
    vm = await the_vm(run, run.args.vm_id)
    told = await run.call(await the_host(run, vm.id), HOST_DOMAINS, Nothing())
    found = next((domain for domain in told.domains if domain.id == vm.id), None)
    if found is None:
        return ["not defined on its host"]
    lost = [] if found.persistent else [_REMOVED]
    return [*differences(vm, found), *lost] or ([] if vm.restart_pending else live_differences(found))


async def _plan(run: Run[VmRepair]) -> dict[str, Any]:
    return {"differences": await _compare(run)}


async def _ports(run: Run[VmRepair]) -> None:
    """With the addresses they have in the database; a network that is gone is made again before."""
    vm = await the_vm(run, run.args.vm_id)
    host_id = await the_host(run, vm.id)

    def plugged(tx: Tx) -> list[Network]:
        return [NETWORK.get(tx, network_id) for network_id in sorted({nic.network_id for nic in vm.hardware.nics})]

    for network in await run.db.read(plugged):
        await run.call(host_id, NETWORK_ENSURE, NetworkEnsure(network=network.spec))
    for nic in vm.hardware.nics:
        await run.call(host_id, PORT_ENSURE, PortEnsure(port=nic.port))


async def _define(run: Run[VmRepair]) -> None:
    """It keeps the seed it has. What a running guest has not got is told as a restart that is pending."""
    before = await the_vm(run, run.args.vm_id)
    seen = await run.call(await the_host(run, before.id), VM_DEFINE, VmDefine(vm=definition(before)))
    active = seen.observation is not None and seen.observation.state in (VmState.RUNNING, VmState.PAUSED)
    lacks = active and set(run.result_of("compare")) - {_REMOVED}
    more: dict[str, Any] = {"restart_pending": True} if lacks else {}
    record(run, before, seen, **more)


VM_REPAIR = TaskType(
    "vm.repair",
    VmRepair,
    title="Repair VM",
    permission=Permission.VM_EDIT,
    noun="vm",
    locks=lambda args: [exclusive("vm", args.vm_id)],
    check=_check,
    plan=_plan,
    steps=(
        Step("compare", "Find out how its definition differs", _compare),
        Step("ports", "Make its network ports be as they should", _ports),
        Step("define", "Define the VM on its host", _define),
    ),
)
