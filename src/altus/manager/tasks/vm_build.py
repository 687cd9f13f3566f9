"""The steps by which a VM comes into being: of `vm.create` and `vm.clone`."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from pydantic import TypeAdapter

from altus.common.errors import Conflict
from altus.manager.placement.choose import choose
from altus.manager.placement.declare import Verdict
from altus.manager.store import ports
from altus.manager.store.database import Tx
from altus.manager.store.resources import IMAGE, NETWORK, VM, VOLUME
from altus.manager.store.security_groups import require_usable
from altus.manager.store.vms import seed_of
from altus.manager.tasks.declare import Step
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_cpu import merged_cpu
from altus.manager.tasks.vm_parts import definition, require_pluggable
from altus.manager.tasks.vm_place import candidates, request_for
from altus.model.cpu import GuestCpu
from altus.model.image import ImageState
from altus.model.label import require_combinable
from altus.model.vm import PowerIntent, Vm, VmState
from altus.model.volume import BaseKind, Volume, VolumeFacts, VolumeState
from altus.wire.operations import (
    PORT_DELETE,
    PORT_ENSURE,
    VM_DEFINE,
    VM_DESTROY,
    VM_START,
    VM_UNDEFINE,
    VOLUME_CREATE,
    VOLUME_DELETE,
    PortEnsure,
    PortRef,
    VmDefine,
    VmRef,
    VmSeen,
    VolumeCreate,
    VolumeRef,
)

_FACTS = TypeAdapter(dict[str, VolumeFacts])


@dataclasses.dataclass(frozen=True, kw_only=True)
class VmBuild:
    """The VM and its new volumes, as they will be stored; `start` it in the end."""

    vm: Vm
    volumes: tuple[Volume, ...]
    start: bool = False


B = TypeVar("B", bound=VmBuild)


async def check(run: Run[B]) -> None:
    """Everything the VM is made of must be there, ready, and of its label; and there must be a host for it, which a
    running task finds out by its first step."""

    def look(tx: Tx) -> None:
        vm = run.args.vm
        for nic in vm.hardware.nics:
            require_pluggable(vm, NETWORK.get(tx, nic.network_id))
            require_usable(tx, vm, nic.security_groups)
        for image_id in _images_of(run.args):
            image = IMAGE.get(tx, image_id)
            require_combinable(f"Making VM {vm.name} from image {image.name}", vm.label, image.label)
            if image.state is not ImageState.READY:
                raise Conflict(f"Image {image.name} is {image.state}.", code="image.not_ready",
                               hint="See `altus image list`.")  # fmt: skip
        if run.engine is None:
            verdicts(tx, run.args)

    await run.db.read(look)


def verdicts(tx: Tx, args: VmBuild) -> list[Verdict]:
    """Where the VM would go, and why."""
    return _choice(tx, args)[0]


def _choice(tx: Tx, args: VmBuild) -> tuple[list[Verdict], GuestCpu | None]:
    """Where it would go, and the CPU that it would be given there."""
    wanted = args.vm.storage_id
    for image_id in _images_of(args):
        wanted = wanted or IMAGE.get(tx, image_id).storage_id
    request = request_for(tx, args.vm, started=args.start, storage_id=wanted)
    every = candidates(tx, without=args.vm.id)
    found = choose(request, every)
    given = next(candidate.cpu for candidate in every if candidate.host.id == found[0].host_id)
    return found, merged_cpu(request.cpu, given)


async def plan(run: Run[B]) -> dict[str, Any]:
    """The host chosen and why."""
    found = await run.db.read(lambda tx: verdicts(tx, run.args))
    return {"placement": [dataclasses.asdict(verdict) for verdict in found]}


async def place(run: Run[B]) -> dict[str, Any]:
    """Choose host and storage, and with the host the CPU; who chooses next finds the room taken."""

    def choose_and_take(tx: Tx) -> Verdict:
        (chosen, *_), cpu = _choice(tx, run.args)
        VM.change(tx, run.args.vm.id, host_id=chosen.host_id, storage_id=chosen.storage_id, cpu=cpu)
        for volume in run.args.volumes:
            VOLUME.change(tx, volume.id, storage_id=chosen.storage_id)
        return chosen

    chosen = await run.at_once(choose_and_take)
    return {"host_id": chosen.host_id, "storage_id": chosen.storage_id, "reasons": list(chosen.reasons)}


def _place(run: Run[B]) -> tuple[str, str] | None:
    result = run.result_of("place")
    return None if result is None else (result["host_id"], result["storage_id"])


async def make_volumes(run: Run[B]) -> Any:
    """Make the disks on the host's storage."""
    host_id, storage_id = _place(run) or ("", "")
    made: dict[str, VolumeFacts] = {}
    for volume in run.args.volumes:
        request = VolumeCreate(storage_id=storage_id, volume_id=volume.id, size=volume.size, base=volume.base)
        seen = await run.call(host_id, VOLUME_CREATE, request)
        if seen.facts is not None:
            made[volume.id] = seen.facts
    return _FACTS.dump_python(made, mode="json")


async def remove_volumes(run: Run[B]) -> None:
    """Take the disks back."""
    if (placed := _place(run)) is None:
        return
    for volume in reversed(run.args.volumes):
        await run.call(placed[0], VOLUME_DELETE, VolumeRef(storage_id=placed[1], volume_id=volume.id))


async def make_ports(run: Run[B]) -> None:
    """Make the NICs' ports on their networks."""
    host_id, _ = _place(run) or ("", "")
    for nic in run.args.vm.hardware.nics:
        await run.call(host_id, PORT_ENSURE, PortEnsure(port=nic.port))


async def remove_ports(run: Run[B]) -> None:
    """Take the ports back."""
    if (placed := _place(run)) is None:
        return
    for nic in run.args.vm.hardware.nics:
        await run.call(placed[0], PORT_DELETE, PortRef(port_id=nic.id))


async def define(run: Run[B]) -> dict[str, Any]:
    """Define the VM on its host, with what the guest is told at its first boot; returns what was observed."""
    vm_id = run.args.vm.id
    vm, seed = await run.db.read(lambda tx: (VM.get(tx, vm_id), seed_of(tx, run.world.secrets, vm_id)))
    return _told(await run.call(vm.host_id or "", VM_DEFINE, VmDefine(vm=definition(vm), seed=seed)))


def _told(seen: VmSeen) -> dict[str, Any]:
    """State and order of an observation; a host that tells nothing has the VM off."""
    found = seen.observation
    return (
        {"state": VmState.STOPPED, "observed": 0} if found is None else {"state": found.state, "observed": found.order}
    )


async def undefine(run: Run[B]) -> None:
    """Take the definition back, and the VM off before if it runs."""
    if (placed := _place(run)) is None:
        return
    await run.call(placed[0], VM_DESTROY, VmRef(vm_id=run.args.vm.id))
    await run.call(placed[0], VM_UNDEFINE, VmRef(vm_id=run.args.vm.id))


async def start(run: Run[B]) -> dict[str, Any]:
    """Start it if that was asked for; returns what was observed last."""
    if not run.args.start:
        observed: dict[str, Any] = run.result_of("define")
        return observed
    host_id, _ = _place(run) or ("", "")
    return _told(await run.call(host_id, VM_START, VmRef(vm_id=run.args.vm.id)))


def finish(run: Run[B], tx: Tx) -> None:
    """The VM and its volumes are there."""
    facts = _FACTS.validate_python(run.result_of("volumes"))
    for volume in run.args.volumes:
        seen = facts[volume.id]
        VOLUME.change(tx, volume.id, state=VolumeState.READY, size=seen.size, allocation=seen.allocation)
    started = run.result_of("start")
    intent = PowerIntent.RUNNING if run.args.start else PowerIntent.STOPPED
    current = VM.get(tx, run.args.vm.id)
    if current.state is VmState.CREATING:
        VM.change(tx, current.id, state=VmState(started["state"]), observed=started["observed"], intent=intent)
    else:  # an observation came first and knows better
        VM.change(tx, current.id, intent=intent)


def forget(run: Run[B], tx: Tx) -> None:
    """Nothing is left of them."""
    for volume in run.args.volumes:
        VOLUME.delete(tx, volume.id)
    ports.release_vm(tx, run.args.vm.id)
    VM.delete(tx, run.args.vm.id)


def give_up(run: Run[B], tx: Tx) -> None:
    """Something may be left: say so, so that they can be deleted."""
    for volume in run.args.volumes:
        VOLUME.change(tx, volume.id, state=VolumeState.FAILED)
    VM.change(tx, run.args.vm.id, state=VmState.FAILED)


def _images_of(args: VmBuild) -> list[str]:
    """Ids of the images it is made of or boots from, that of its first disk first."""
    bases = [v.base.id for v in args.volumes if v.base is not None and v.base.kind is BaseKind.IMAGE]
    hardware = args.vm.hardware
    others = [image for image in (hardware.kernel_image_id, hardware.cdrom_image_id) if image is not None]
    return list(dict.fromkeys(bases + others))


BUILD_STEPS: tuple[Step[Any], ...] = (
    Step("place", "Choose host and storage", place),
    Step("volumes", "Make the disks", make_volumes, undo=remove_volumes),
    Step("ports", "Make the network ports", make_ports, undo=remove_ports),
    Step("define", "Define the VM on its host", define, undo=undefine),
    Step("start", "Start the VM", start, undo=undefine),
)
