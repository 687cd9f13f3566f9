"""What several VM tasks share: finding the VM and its host, and writing what a host has observed."""

from __future__ import annotations

from typing import Any

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import VM
from altus.manager.tasks.run import Run
from altus.model.vm import PowerIntent, Vm, VmDefinition, VmObservation, VmState
from altus.wire.operations import VM_OBSERVE, VmRef, VmSeen


async def the_vm(run: Run[Any], vm_id: str) -> Vm:
    """The VM as stored now."""
    return await run.db.read(lambda tx: VM.get(tx, vm_id))


async def the_host(run: Run[Any], vm_id: str) -> str:
    """The id of the VM's host."""
    vm = await the_vm(run, vm_id)
    if vm.host_id is None:
        raise Conflict(f"VM {vm.name} is on no host.", code="vm.no_host", hint="Delete it and create it again.")
    return vm.host_id


def record(run: Run[Any], vm_id: str, seen: VmSeen, intent: PowerIntent | None = None, **fields: Any) -> None:
    """Write what the host observed, and what is wanted now, with the step's checkpoint."""
    observation = seen.observation
    state = observation.state if observation is not None else VmState.STOPPED
    if intent is not None:
        fields["intent"] = intent
    if state is not VmState.RUNNING:
        fields["guest"] = None

    def write(tx: Tx) -> None:
        VM.change(tx, vm_id, state=state, **fields)

    run.write(write)


async def observe(run: Run[Any], vm_id: str) -> VmObservation | None:
    """Ask the VM's host."""
    seen = await run.call(await the_host(run, vm_id), VM_OBSERVE, VmRef(vm_id=vm_id))
    return seen.observation


def definition(vm: Vm) -> VmDefinition:
    """What the host is told."""
    return VmDefinition(
        id=vm.id,
        name=vm.name,
        project_id=vm.project_id,
        label=vm.label,
        revision=vm.revision,
        storage_id=vm.storage_id,
        hardware=vm.hardware,
    )
