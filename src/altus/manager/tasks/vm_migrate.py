"""`vm.migrate`: a running VM goes on on another host, which reaches the same storage or is given copies of its disks.

Where it runs is never guessed. The driver of the host it leaves brings both ends together
(`drivers/hypervisor/migration.py`): the VM runs there only once it has ended here. So a repeated step asks both hosts
and goes on, and the database's host changes with the checkpoint of the step after which it runs there.

From the moment the target is chosen until the task ends the VM has memory and vCPUs on both hosts (`Vm.other_host_id`).
"""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from altus.common.errors import Cancelled, Conflict, Unavailable
from altus.manager.placement.choose import choose
from altus.manager.placement.declare import Verdict
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, VM
from altus.manager.store.vms import seed_of
from altus.manager.tasks import vm_migrate_disks as disks
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_migrate_disks import Copies
from altus.manager.tasks.vm_parts import definition, require_host, the_vm
from altus.manager.tasks.vm_place import Promised, Taken, candidates, request_for
from altus.manager.tasks.vm_slots import Full, adapt, full
from altus.model.host import Acceleration
from altus.model.migration import MigrationFacts, MigrationOptions, emulated_meaning
from altus.model.permission import Permission
from altus.model.task import exclusive
from altus.model.vm import Vm, VmObservation, VmState
from altus.model.vm_action import VmAction, require
from altus.wire.operations import (
    PORT_BIND,
    VM_ADMIT,
    VM_DEFINE,
    VM_DESTROY,
    VM_MIGRATE,
    VM_OBSERVE,
    VM_SETTLE,
    VM_UNDEFINE,
    VOLUME_INSPECT,
    HostAddress,
    PortBind,
    VmAdmit,
    VmDefine,
    VmMove,
    VmRef,
    VolumeRef,
)

_FACTS = TypeAdapter(MigrationFacts)
_ACTIVE = (VmState.RUNNING, VmState.PAUSED)
_LOOK = 1.0
"""Seconds between looks whether it is a VM's turn; not at every event, of which those that move make many."""


@dataclass(frozen=True, kw_only=True)
class VmMigrate:
    """Which VM, where to (without a host or a repository, to those that suit best), and how."""

    vm_id: str
    host_id: str = ""
    options: MigrationOptions = field(default_factory=MigrationOptions)
    storage_id: str = ""


async def _check(run: Run[VmMigrate]) -> None:
    vm = await the_vm(run, run.args.vm_id)
    await require_host(run, vm)

    def look(tx: Tx) -> None:
        _require_movable(tx, vm, run.args)
        if run.engine is None:
            _verdicts(tx, vm, run.args)

    await run.db.read(look)


def _require_movable(tx: Tx, vm: Vm, args: VmMigrate) -> None:
    """`Conflict` (`vm.state`, `vm.restart_pending`, `vm.storage_shared`, or why its disks cannot be copied) for a VM
    that cannot move at all."""
    require(vm, VmAction.MIGRATE)
    if disks.is_local(tx, vm):
        disks.require_copyable(tx, vm, args.options)
    elif args.storage_id not in ("", vm.storage_id):
        raise Conflict(f"The disks of VM {vm.name} are on storage that all its hosts reach, and stay there.",
                       code="vm.storage_shared", hint="Leave `--storage` out.")  # fmt: skip


def destination(tx: Tx, vm: Vm, taken: Taken, promised: Promised) -> tuple[Verdict, int]:
    """Where it would go if others took so much before it, and how many bytes of disks would be copied there; raises the
    reason if it cannot go anywhere."""
    args = VmMigrate(vm_id=vm.id)
    _require_movable(tx, vm, args)
    return _verdicts(tx, vm, args, taken, promised)[0], disks.needed(tx, vm) if disks.is_local(tx, vm) else 0


def _verdicts(tx: Tx, vm: Vm, args: VmMigrate, taken: Taken = MappingProxyType({}),
              promised: Promised = MappingProxyType({})) -> list[Verdict]:  # fmt: skip
    """Where it would go, and why."""
    here, copied = HOST.get(tx, vm.host_id or ""), disks.is_local(tx, vm)
    request = dataclasses.replace(
        request_for(tx, vm, started=True, storage_id=args.storage_id if copied else vm.storage_id),
        leaving=here.id,
        host_id=args.host_id,
        acceleration=here.facts.acceleration if here.facts else None,
        cpu=vm.cpu,
    )
    if copied:
        request, promised = disks.asked(tx, vm, request), {**disks.promised(tx, vm.id), **promised}
    return choose(request, candidates(tx, without=vm.id, taken=taken, promised=promised))


async def _plan(run: Run[VmMigrate]) -> dict[str, Any]:
    """Where it would go, and what is special about how."""

    def look(tx: Tx) -> dict[str, Any]:
        vm = VM.get(tx, run.args.vm_id)
        verdicts = _verdicts(tx, vm, run.args)
        found: dict[str, Any] = {"placement": [dataclasses.asdict(verdict) for verdict in verdicts]}
        facts = HOST.get(tx, vm.host_id or "").facts
        if facts is not None and facts.acceleration is Acceleration.TCG:
            found["guest"] = emulated_meaning(run.args.options)
        copies = disks.chosen(tx, vm, verdicts[0])
        if copies is not None:
            found["disks"] = disks.told(tx, vm, copies)
            if vm.hardware.kernel_image_id is not None:
                found["next start"] = "from its first disk, since its image's kernel stays behind"
        return found

    return await run.db.read(look)


async def _place(run: Run[VmMigrate]) -> dict[str, Any]:
    """Its room there is taken at once, so that nobody else is given it; until the task ends it has room on both. It
    waits for its turn where too many move at once."""

    def choose_and_take(tx: Tx) -> Full | tuple[str | None, Verdict, Copies | None]:
        vm = VM.get(tx, run.args.vm_id)
        chosen = _verdicts(tx, vm, run.args)[0]
        waits = full(tx, run.task, vm, chosen.host_id)
        if waits is not None:
            return waits
        VM.change(tx, vm.id, other_host_id=chosen.host_id)
        return vm.host_id, chosen, disks.chosen(tx, vm, chosen)

    told = ""
    while isinstance(placed := await run.at_once(choose_and_take), Full):
        if run.cancelling:
            raise Cancelled("The task was cancelled.", code="task.cancelled")
        if str(placed) != told:
            told = str(placed)
            run.report(None, told)
        await asyncio.sleep(_LOOK)
    source_id, chosen, copies = placed
    return {"from": source_id, "to": chosen.host_id, "host": chosen.host_name, "reasons": list(chosen.reasons),
            "copies": copies.plain() if copies is not None else None}  # fmt: skip


def _give_back(run: Run[VmMigrate], tx: Tx) -> None:
    """Where it is not, it has no room any more. A task that never began has taken none."""
    if run.task.trail:
        VM.change(tx, run.args.vm_id, other_host_id=None)


def _way(run: Run[VmMigrate]) -> tuple[str, str]:
    """Ids of the hosts it goes from and to, as they were chosen, wherever it is now."""
    placed = run.result_of("place")
    return placed["from"], placed["to"]


def _copies(run: Run[VmMigrate]) -> Copies | None:
    """Its disks, if they are copied."""
    return Copies.of(run.result_of("place"))


async def _vm(run: Run[VmMigrate]) -> Vm | None:
    """None if it was lost with its host, which was forgotten meanwhile."""
    return await run.db.read(lambda tx: VM.peek(tx, run.args.vm_id))


async def _belongs(run: Run[VmMigrate], host_id: str) -> bool:
    """Whether the host is in the pool still: one that was forgotten meanwhile is not waited for."""
    return await run.db.read(lambda tx: HOST.peek(tx, host_id)) is not None


async def _prepare(run: Run[VmMigrate]) -> None:
    """Its disks must be there, or are made; then the target defines it, with its own files."""
    source, target = _way(run)

    def look(tx: Tx) -> VmDefine:
        vm = VM.get(tx, run.args.vm_id)
        return VmDefine(vm=definition(vm), seed=seed_of(tx, run.world.secrets, vm.id))

    request, copies = await run.db.read(look), _copies(run)
    if copies is not None:
        await disks.make(run, source, target, copies)
        request = VmDefine(vm=copies.at_target(request.vm), seed=request.seed)
    for disk in request.vm.hardware.disks if copies is None else ():
        volume = VolumeRef(storage_id=request.vm.storage_id, volume_id=disk.volume_id)
        if (await run.call(target, VOLUME_INSPECT, volume)).facts is None:
            raise Conflict(f"The host does not find disk {disk.volume_id} on the shared storage.",
                           code="vm.disk_not_there", hint="Is it mounted there?", host_id=target)  # fmt: skip
    await run.call(target, VM_DEFINE, request)


async def _leave(run: Run[VmMigrate]) -> None:
    """Nothing of the VM stays on the host that it is not on."""
    if run.result_of("place") is None:
        return
    vm = await _vm(run)
    here = None if vm is None else vm.host_id
    ref = VmRef(vm_id=run.args.vm_id)
    for other in _way(run):
        if other != here and await _belongs(run, other):
            await run.call(other, VM_ADMIT, VmAdmit(vm_id=run.args.vm_id, host_id=""))
            await run.call(other, VM_DESTROY, ref)
            await _drop_disks(run, other)
            await run.call(other, VM_UNDEFINE, ref)


async def _drop_disks(run: Run[VmMigrate], host_id: str) -> None:
    """Those of a host that does not have the VM; first of all, so that a definition tells of what may be left."""
    copies = _copies(run)
    if copies is not None:
        storage = copies.target if host_id == _way(run)[1] else copies.source
        await disks.remove(run, host_id, storage, copies.sizes)


async def _bind_ports(run: Run[VmMigrate], place: str | None) -> None:
    """On the host that has the VM now; one that was lost with its host has none."""
    vm = await _vm(run)
    if vm is None or vm.host_id is None:
        return
    for nic in vm.hardware.nics:
        await run.call(vm.host_id, PORT_BIND, PortBind(port_id=nic.id, place=place))


async def _hold_ports(run: Run[VmMigrate]) -> None:
    await _bind_ports(run, None)


async def _free_ports(run: Run[VmMigrate]) -> None:
    await _bind_ports(run, "")


async def _order(run: Run[VmMigrate], vm: Vm, place: str) -> VmMove:
    """What the source is told."""
    _, target = _way(run)
    host = await run.db.read(lambda tx: HOST.peek(tx, target))
    address = HostAddress(host_id=target, address=host.address if host is not None else "")
    return VmMove(vm_id=vm.id, to=address, place=place, port_ids=[nic.id for nic in vm.hardware.nics],
                  options=run.args.options, copies=_copies(run) is not None)  # fmt: skip


async def _admitted(run: Run[VmMigrate]) -> str:
    """The target lets the source in; what the target is called as the place of ports."""
    source, target = _way(run)
    return (await run.call(target, VM_ADMIT, VmAdmit(vm_id=run.args.vm_id, host_id=source))).place


async def _seen_at(run: Run[VmMigrate], host_id: str) -> VmObservation | None:
    return (await run.call(host_id, VM_OBSERVE, VmRef(vm_id=run.args.vm_id))).observation


def _is_at(run: Run[VmMigrate], host_id: str, state: VmState, order: int = 0) -> None:
    """Write with the checkpoint where the VM is, and how. Orders of observations are each host's own: 0 is before all
    that this one tells. Where its disks are goes with it."""
    source, target = _way(run)
    other, copies = source if host_id == target else target, _copies(run)

    def write(tx: Tx) -> None:
        vm = VM.get(tx, run.args.vm_id)
        VM.change(tx, vm.id, host_id=host_id, other_host_id=other, state=state, observed=order)
        if copies is not None and host_id == target:
            disks.moved(tx, vm.id, copies)

    run.write(write)


async def _transfer(run: Run[VmMigrate]) -> dict[str, Any]:
    """What runs on the target has ended on the source, whatever became of that host since."""
    source, target = _way(run)
    vm = await the_vm(run, run.args.vm_id)
    facts, seen = MigrationFacts(options=run.args.options), await _seen_at(run, target)
    if seen is None or seen.state is not VmState.RUNNING:
        order = await _order(run, vm, await _admitted(run))
        facts = (await run.call(source, VM_MIGRATE, order)).facts
    _is_at(run, target, VmState.RUNNING)
    run.write(lambda tx: adapt(tx, vm.id, (source, target), facts))
    run.write(lambda tx: VM.change(tx, vm.id, migration=facts))
    plain: dict[str, Any] = _FACTS.dump_python(facts, mode="json")
    return plain


async def _settle(run: Run[VmMigrate]) -> None:
    """A migration that was broken off ends on the source if the VM is there at all; where it is, is written. With disks
    that were copied it is there too if it may have run there."""
    source, target = _way(run)
    if await _vm(run) is None:
        return
    seen, left = await _settled(run, source, target) if await _belongs(run, source) else (None, False)
    if (seen is None or seen.state not in _ACTIVE) and await _belongs(run, target):
        there = await _seen_at(run, target)
        if there is not None and (there.state is VmState.RUNNING or (left and _copies(run) is not None)):
            _is_at(run, target, there.state, there.order)
            return
    if await _belongs(run, source):  # else it was lost with its host, which is written
        _is_at(run, source, *((VmState.UNKNOWN, 0) if seen is None else (seen.state, seen.order)))


async def _settled(run: Run[VmMigrate], source: str, target: str) -> tuple[VmObservation | None, bool]:
    """What the source sees when it has settled it, and whether the target has it. Only for a VM that is not on the
    source the target must answer: a guest that stands still is not to wait for a host that is dead."""
    vm, seen = await the_vm(run, run.args.vm_id), await _seen_at(run, source)
    active = seen is not None and seen.state in _ACTIVE
    place = ""
    if await _belongs(run, target):
        try:
            place = await _admitted(run)
        except Unavailable:
            if not active:
                raise
    elif not active:
        return seen, False
    settled = await run.call(source, VM_SETTLE, await _order(run, vm, place))
    return settled.observation, settled.left


async def _clean(run: Run[VmMigrate]) -> None:
    """What the target sees now is newer than all it has told while the guest arrived."""
    source, target = _way(run)
    await run.call(target, VM_ADMIT, VmAdmit(vm_id=run.args.vm_id, host_id=""))
    await _free_ports(run)
    seen = await _seen_at(run, target)
    if seen is not None:
        _is_at(run, target, seen.state, seen.order)
    if (copies := _copies(run)) is not None:
        await disks.measure(run, target, copies)
    if await _belongs(run, source):
        await _drop_disks(run, source)
        await run.call(source, VM_UNDEFINE, VmRef(vm_id=run.args.vm_id))


VM_MIGRATE_TASK = TaskType(
    "vm.migrate",
    VmMigrate,
    title="Migrate VM",
    permission=Permission.VM_OPERATE,
    noun="vm",
    locks=lambda a: [exclusive("vm", a.vm_id)],
    check=_check,
    plan=_plan,
    steps=(
        Step("place", "Choose the host", _place),
        Step("prepare", "Define the VM there", _prepare, undo=_leave),
        Step("ports", "Hold its network ports", _hold_ports, undo=_free_ports),
        Step("transfer", "Move the running guest", _transfer, undo=_settle, commits=True),
        Step("clean", "Leave the old host", _clean),
    ),
    on_success=_give_back,
    on_undone=_give_back,
    on_stuck=_give_back,
)
