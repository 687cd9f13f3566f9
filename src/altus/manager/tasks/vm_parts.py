"""What several VM tasks share: finding the VM and its host, and writing what a host has observed."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from altus.common.errors import Conflict, Unavailable
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, VM
from altus.manager.tasks.run import Run
from altus.model.host import HostState
from altus.model.label import require_combinable
from altus.model.network import Network, NetworkState
from altus.model.vm import PowerIntent, Vm, VmDefinition, VmObservation, VmState
from altus.wire.operations import VM_OBSERVE, VOLUME_INSPECT, VmRef, VmSeen, VolumeRef

_VM = TypeAdapter(Vm)


async def the_vm(run: Run[Any], vm_id: str) -> Vm:
    """The VM as stored now."""
    return await run.db.read(lambda tx: VM.get(tx, vm_id))


async def remember(run: Run[Any]) -> Any:
    """A step `prepare`: how the VM is, for the way back."""
    return _VM.dump_python(await the_vm(run, run.args.vm_id), mode="json")


def remembered(run: Run[Any]) -> Vm | None:
    """The VM as the step `prepare` found it; None if that was not done."""
    plain = run.result_of("prepare")
    return None if plain is None else _VM.validate_python(plain)


async def the_host(run: Run[Any], vm_id: str) -> str:
    """The id of the VM's host."""
    vm = await the_vm(run, vm_id)
    if vm.host_id is None:
        raise Conflict(f"VM {vm.name} is on no host.", code="vm.no_host", hint="Delete it and create it again.")
    return vm.host_id


def record(run: Run[Any], before: Vm, seen: VmSeen, intent: PowerIntent | None = None, **fields: Any) -> None:
    """Write what the host observed, and what is wanted now, with the step's checkpoint.

    `before` is the VM as it was read before the host was asked. What the host's stream of events told meanwhile may be
    newer than the answer: the order of observations tells. A VM that is not there has none; then it counts that nothing
    was told.
    """
    observation = seen.observation
    state = observation.state if observation is not None else VmState.UNKNOWN
    order = observation.order if observation is not None else 0
    told: dict[str, Any] = {"state": state}
    if not state.keeps_guest:
        told["guest"] = None
    if state is VmState.STOPPED:
        told["restart_pending"] = False
    if intent is not None:
        fields["intent"] = intent

    def write(tx: Tx) -> None:
        current = VM.peek(tx, before.id)
        if current is None:
            return
        lost = current.state is VmState.UNKNOWN and before.state is not VmState.UNKNOWN  # the host fell silent
        newest = order >= current.observed and not lost if observation is not None else current.state is before.state
        VM.change(tx, before.id, **fields, **({**told, "observed": max(order, current.observed)} if newest else {}))

    run.write(write)


def require_pluggable(vm: Vm, network: Network) -> None:
    """`Conflict` (`label.mismatch`, `network.not_ready`) unless the VM may have a NIC there."""
    require_combinable(f"Plugging VM {vm.name} into network {network.name}", vm.label, network.label)
    if network.state is not NetworkState.READY:
        raise Conflict(f"Network {network.name} is {network.state}.", code="network.not_ready",
                       hint="See `altus network list`.")  # fmt: skip


async def require_host(run: Run[Any], vm: Vm) -> None:
    """`Conflict` (`host.unreachable`) for who asks now, if the VM's host is known not to answer (any manager may be
    asked, but only the one that runs the tasks hears the hosts). A task whose turn has come waits: `Unavailable`."""
    host = await run.db.read(lambda tx: HOST.peek(tx, vm.host_id or ""))
    if host is None:
        return
    if run.engine is None and host.state is HostState.UNREACHABLE:
        raise Conflict(f"Host {host.name} of VM {vm.name} does not answer.", code="host.unreachable",
                       hint=f"See `altus host show {host.name}` and `altus alarm list`.")  # fmt: skip
    if run.engine is not None and not run.world.agents.is_up(host.id):
        raise Unavailable(f"Host {host.name} of VM {vm.name} does not answer yet.", code="host.unreachable",
                          hint="See `altus host list`.", host_id=host.id)  # fmt: skip


async def require_disks(run: Run[Any], vm: Vm) -> None:
    """`Conflict` (`volume.missing`) if a disk of the VM is not on its storage."""
    for disk in vm.hardware.disks:
        volume = VolumeRef(storage_id=vm.storage_id, volume_id=disk.volume_id)
        if (await run.call(vm.host_id or "", VOLUME_INSPECT, volume)).facts is None:
            raise Conflict(f"Disk {disk.volume_id} of VM {vm.name} is not on its storage.", code="volume.missing",
                           hint="Bring its file back, or detach it with `altus vm edit --detach`.")  # fmt: skip


async def require_open(run: Run[Any], vm_id: str) -> None:
    """`Conflict` (`host.maintenance`) if the VM's host must not be given anything to run."""

    def look(tx: Tx) -> None:
        vm = VM.get(tx, vm_id)
        host = HOST.peek(tx, vm.host_id or "")
        if host is not None and host.maintenance:
            raise Conflict(f"Host {host.name} of VM {vm.name} is in maintenance.", code="host.maintenance",
                           hint="End it with `altus host maintenance off`.")  # fmt: skip

    await run.db.read(look)


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
        cpu=vm.cpu,
    )
