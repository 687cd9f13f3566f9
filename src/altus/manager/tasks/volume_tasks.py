"""Volume tasks: `volume.create`, `volume.resize`, `volume.delete`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from altus.common.errors import Conflict, InvalidInput
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, IMAGE, STORAGE, VM, VOLUME
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.outcome import refused
from altus.manager.tasks.run import Run
from altus.model.host import HostState
from altus.model.image import ImageState
from altus.model.label import require_combinable
from altus.model.permission import Permission
from altus.model.task import Lock, exclusive, shared
from altus.model.vm import VmState
from altus.model.volume import BaseKind, Volume, VolumeFacts, VolumeState
from altus.wire.operations import (
    VOLUME_CREATE,
    VOLUME_DELETE,
    VOLUME_INSPECT,
    VOLUME_RESIZE,
    VolumeCreate,
    VolumeRef,
    VolumeResize,
)

_FACTS = TypeAdapter(VolumeFacts)
_OFF = (VmState.STOPPED, VmState.CRASHED)


@dataclass(frozen=True, kw_only=True)
class VolumeMake:
    """The volume as it will be stored."""

    volume: Volume


@dataclass(frozen=True, kw_only=True)
class VolumeGrow:
    """The new size in bytes; `vm_id` is the VM that has the volume, which must stay off meanwhile."""

    volume_id: str
    size: int
    vm_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class VolumeRemove:
    """Which volume."""

    volume_id: str


def storage_host(tx: Tx, storage_id: str) -> str:
    """The id of a host through which a repository is reached."""
    storage = STORAGE.get(tx, storage_id)
    if storage.host_id is not None:
        return storage.host_id
    hosts = sorted(HOST.all(tx), key=lambda host: host.state is not HostState.UP)
    if not hosts:
        raise Conflict(f"No host reaches storage {storage.name}.", code="storage.no_host", hint="Enrol a host first.")
    return hosts[0].id


async def _where(run: Run[Any], volume_id: str) -> tuple[str, Volume]:
    def look(tx: Tx) -> tuple[str, Volume]:
        volume = VOLUME.get(tx, volume_id)
        return storage_host(tx, volume.storage_id), volume

    return await run.db.read(look)


def _make_locks(args: VolumeMake) -> Sequence[Lock]:
    base = args.volume.base
    own = exclusive("volume", args.volume.id)
    return [own] if base is None else [own, shared(base.kind, base.id)]


async def _check_make(run: Run[VolumeMake]) -> None:
    volume = run.args.volume

    def look(tx: Tx) -> None:
        storage = STORAGE.get(tx, volume.storage_id)
        require_combinable(f"Keeping volume {volume.name} on storage {storage.name}", volume.label, storage.label)
        if volume.base is None or volume.base.kind is BaseKind.VOLUME:
            return
        image = IMAGE.get(tx, volume.base.id)
        require_combinable(f"Making volume {volume.name} from image {image.name}", volume.label, image.label)
        if image.state is not ImageState.READY or image.storage_id != storage.id:
            raise Conflict(f"Image {image.name} is {image.state} or on another storage.", code="image.not_ready",
                           hint="See `altus image list`.")  # fmt: skip

    await run.db.read(look)


async def _make(run: Run[VolumeMake]) -> Any:
    volume = run.args.volume
    host_id = await run.db.read(lambda tx: storage_host(tx, volume.storage_id))
    request = VolumeCreate(storage_id=volume.storage_id, volume_id=volume.id, size=volume.size, base=volume.base)
    return _FACTS.dump_python(_required((await run.call(host_id, VOLUME_CREATE, request)).facts), mode="json")


async def _unmake(run: Run[VolumeMake]) -> None:
    volume = run.args.volume
    host_id = await run.db.read(lambda tx: storage_host(tx, volume.storage_id))
    await run.call(host_id, VOLUME_DELETE, VolumeRef(storage_id=volume.storage_id, volume_id=volume.id))


def _made(run: Run[VolumeMake], tx: Tx) -> None:
    facts = _FACTS.validate_python(run.result_of("create"))
    VOLUME.change(tx, facts.id, state=VolumeState.READY, size=facts.size, allocation=facts.allocation)


async def _check_grow(run: Run[VolumeGrow]) -> None:
    def look(tx: Tx) -> None:
        volume = VOLUME.get(tx, run.args.volume_id)
        _require_state(volume, VolumeState.READY)
        if volume.vm_id != run.args.vm_id:
            raise Conflict(f"Volume {volume.name} was attached or detached meanwhile.", code="volume.changed",
                           hint="Look at it again and repeat your change.")  # fmt: skip
        if run.args.size < volume.size:
            raise InvalidInput(f"Volume {volume.name} is larger already; volumes only grow.", code="volume.shrink",
                               hint="Make a smaller volume and copy what is needed.")  # fmt: skip
        vm = VM.peek(tx, volume.vm_id) if volume.vm_id is not None else None
        if vm is not None and vm.state not in _OFF:
            raise Conflict(f"VM {vm.name} uses volume {volume.name} and is {vm.state}.", code="volume.in_use",
                           hint="Stop the VM first.")  # fmt: skip

    await run.db.read(look)


async def _grow(run: Run[VolumeGrow]) -> None:
    host_id, volume = await _where(run, run.args.volume_id)
    request = VolumeResize(storage_id=volume.storage_id, volume_id=volume.id, size=run.args.size)
    facts = _required((await run.call(host_id, VOLUME_RESIZE, request)).facts)
    run.write(lambda tx: VOLUME.change(tx, volume.id, size=facts.size, allocation=facts.allocation))


async def _tell_size(run: Run[VolumeGrow]) -> None:
    """A disk that grew stays grown (shrinking loses data); the size is written as it is."""
    host_id, volume = await _where(run, run.args.volume_id)
    seen = await run.call(host_id, VOLUME_INSPECT, VolumeRef(storage_id=volume.storage_id, volume_id=volume.id))
    facts = seen.facts
    if facts is not None:
        run.write(lambda tx: VOLUME.change(tx, volume.id, size=facts.size, allocation=facts.allocation))


def _grow_locks(args: VolumeGrow) -> Sequence[Lock]:
    own = exclusive("volume", args.volume_id)
    return [own] if args.vm_id is None else [own, shared("vm", args.vm_id)]


async def _check_remove(run: Run[VolumeRemove]) -> None:
    def look(tx: Tx) -> None:
        volume = VOLUME.get(tx, run.args.volume_id)
        if volume.vm_id is not None:
            raise Conflict(f"Volume {volume.name} is attached to a VM.", code="volume.attached",
                           hint="Detach it first, or delete the VM.")  # fmt: skip

    await run.db.read(look)


async def _mark(run: Run[VolumeRemove]) -> None:
    run.write(lambda tx: VOLUME.change(tx, run.args.volume_id, state=VolumeState.DELETING))


async def _remove(run: Run[VolumeRemove]) -> None:
    host_id, volume = await _where(run, run.args.volume_id)
    await run.call(host_id, VOLUME_DELETE, VolumeRef(storage_id=volume.storage_id, volume_id=volume.id))


def _require_state(volume: Volume, *states: VolumeState) -> None:
    if volume.state not in states:
        raise Conflict(f"Volume {volume.name} is {volume.state}.", code="volume.state",
                       hint="See `altus volume show`.")  # fmt: skip


def _required(facts: VolumeFacts | None) -> VolumeFacts:
    if facts is None:
        raise Conflict("The volume is not on its storage.", code="volume.not_on_storage", hint="See `altus doctor`.")
    return facts


def _failed(tx: Tx, volume_id: str) -> None:
    VOLUME.change(tx, volume_id, state=VolumeState.FAILED)


def _remove_failed(run: Run[VolumeRemove], tx: Tx) -> None:
    """What storage refused to remove is as good as before."""
    state = VolumeState.READY if refused(run.task) else VolumeState.FAILED
    VOLUME.change(tx, run.args.volume_id, state=state)


VOLUME_CREATE_TASK = TaskType(
    "volume.create",
    VolumeMake,
    title="Create volume",
    permission=Permission.VOLUME_WRITE,
    noun="volume",
    locks=_make_locks,
    check=_check_make,
    steps=(Step("create", "Make the volume on its storage", _make, undo=_unmake),),
    on_success=_made,
    on_undone=lambda run, tx: VOLUME.delete(tx, run.args.volume.id),
    on_stuck=lambda run, tx: _failed(tx, run.args.volume.id),
)
VOLUME_RESIZE_TASK = TaskType(
    "volume.resize",
    VolumeGrow,
    title="Resize volume",
    permission=Permission.VOLUME_WRITE,
    noun="volume",
    locks=_grow_locks,
    check=_check_grow,
    steps=(Step("resize", "Grow the volume on its storage", _grow, undo=_tell_size),),
)
VOLUME_DELETE_TASK = TaskType(
    "volume.delete",
    VolumeRemove,
    title="Delete volume",
    permission=Permission.VOLUME_WRITE,
    noun="volume",
    locks=lambda args: [exclusive("volume", args.volume_id)],
    check=_check_remove,
    steps=(
        Step("mark", "Mark the volume as being deleted", _mark, commits=True),
        Step("delete", "Remove the volume from its storage", _remove),
    ),
    on_success=lambda run, tx: VOLUME.delete(tx, run.args.volume_id),
    on_stuck=_remove_failed,
    cancellable=False,
)
VOLUME_TASKS = (VOLUME_CREATE_TASK, VOLUME_RESIZE_TASK, VOLUME_DELETE_TASK)
