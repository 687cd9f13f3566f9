"""`host.maintain` and `host.activate`: a host is emptied so that it may be worked on, and takes VMs again.

What runs there moves to other hosts, by a child `vm.migrate` for each VM. What could not is named with the reason
before anything has begun. VMs that are off stay, and cannot be started. VMs that moved stay where they are, also if the
task fails or is cancelled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from altus.common.errors import AltusError, Cancelled, Conflict
from altus.common.ids import derived_id
from altus.common.units import format_size
from altus.manager.store import tasks as task_rows
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, VM
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.host_tasks import HostChange
from altus.manager.tasks.run import Run
from altus.manager.tasks.submit import Origin, make
from altus.manager.tasks.vm_migrate import VM_MIGRATE_TASK, VmMigrate, destination
from altus.model.host import Host, HostState
from altus.model.host_action import HostAction, require
from altus.model.loss import named
from altus.model.permission import Permission
from altus.model.task import Task, exclusive
from altus.model.vm import Vm, VmState
from altus.wire.operations import HOST_CENSUS, Nothing

_WORKING = (VmState.RUNNING, VmState.PAUSED)
_MAY_WORK = (*_WORKING, VmState.UNKNOWN)
_LOOK = 1.0
_AT_ONCE = 4
_NAMED = 10


@dataclass(frozen=True, kw_only=True)
class _Departure:
    """Where each running VM of a host would go (name of VM; name of host, and the disks that are copied), which cannot
    go (name and reason), and which are off and stay."""

    moves: Mapping[str, str]
    stuck: Mapping[str, str]
    stay: Sequence[Vm]


def _on_host(tx: Tx, host_id: str) -> list[Vm]:
    return VM.all(tx, VM.table.c.host_id == host_id)


def _departure(tx: Tx, host_id: str) -> _Departure:
    """The large ones are placed first; each finds taken what those before it were given."""
    vms = sorted(_on_host(tx, host_id), key=lambda vm: (-vm.hardware.memory, vm.name))
    moves, stuck, taken, promised = {}, {}, dict[str, tuple[int, int]](), defaultdict[str, int](int)
    for vm in (vm for vm in vms if vm.state in _MAY_WORK):
        try:
            chosen, copied = destination(tx, vm, taken, promised)
        except AltusError as error:
            stuck[vm.name] = error.message
            continue
        moves[vm.name] = chosen.host_name
        if copied:
            moves[vm.name] += f", with {format_size(copied)} of disks to {chosen.storage_name}"
            promised[chosen.storage_id] += copied
        vcpus, memory = taken.get(chosen.host_id, (0, 0))
        taken[chosen.host_id] = (vcpus + vm.hardware.vcpus, memory + vm.hardware.memory)
    return _Departure(moves=moves, stuck=stuck, stay=[vm for vm in vms if vm.state not in _MAY_WORK])


def _require_none(host: Host, left: Mapping[str, str]) -> None:
    """`Conflict` (`host.in_use`) naming the VMs that do not leave the host, with the reasons."""
    if left:
        some = " ".join(f"{name}: {left[name]}" for name in sorted(left)[:_NAMED])
        more = f" And {len(left) - _NAMED} more." if len(left) > _NAMED else ""
        raise Conflict(f"VMs that run on host {host.name} cannot leave it. {some}{more}", code="host.in_use",
                       hint="Stop them first.")  # fmt: skip


async def _check(run: Run[HostChange]) -> None:
    def look(tx: Tx) -> None:
        host = HOST.get(tx, run.args.host_id)
        require(host, HostAction.MAINTAIN)
        _require_none(host, _departure(tx, host.id).stuck)

    await run.db.read(look)


async def _plan(run: Run[HostChange]) -> dict[str, Any]:
    """Where the VMs go, and which stay there, switched off and not to be started."""
    found = await run.db.read(lambda tx: _departure(tx, run.args.host_id))
    moves = [f"{vm} to {host}" for vm, host in found.moves.items()]
    return {"VMs that move": moves, "VMs that stay": named(found.stay)}


async def _close(run: Run[HostChange]) -> None:
    """From here on nothing is placed or started there."""

    run.write(lambda tx: HOST.change(tx, run.args.host_id, maintenance=True))


async def _empty(run: Run[HostChange]) -> None:
    """The host itself is asked what runs there, before and after: what the database says may be late."""
    await _wait_for_others(run)
    ended = await run.run_children(await _migrations(run, await _running(run)), _AT_ONCE)
    why = {task.object_id: (task.error or {}).get("message", "") for task in ended}
    left = {vm.name: why.get(vm.id) or "It runs." for vm in await _running(run)}
    _require_none(await run.db.read(lambda tx: HOST.get(tx, run.args.host_id)), left)


async def _wait_for_others(run: Run[HostChange]) -> None:
    while True:
        seen = run.db.news.count
        busy = await run.db.read(lambda tx: _at_work(tx, run.task, run.args.host_id))
        if not busy:
            return
        if run.cancelling:
            raise Cancelled("The task was cancelled.", code="task.cancelled")
        run.report(None, f"Waiting for: {busy[0].title} {busy[0].object_name}")
        await run.db.news.wait(seen, _LOOK)


def _at_work(tx: Tx, own: Task, host_id: str) -> list[Task]:
    """Tasks that began before the host was closed and may still do something there: on its VMs, on VMs that move
    there or have no host yet, or whatever has asked it already."""
    columns = VM.table.c
    there = columns.host_id.is_(None) | (columns.host_id == host_id) | (columns.other_host_id == host_id)
    here = {vm.id for vm in VM.all(tx, there)}
    others = [task for task in task_rows.begun(tx) if own.id not in (task.id, task.parent_id)]
    return [task for task in others if task.object_id in here or task.host_id == host_id]


async def _running(run: Run[HostChange]) -> list[Vm]:
    census = await run.call(run.args.host_id, HOST_CENSUS, Nothing())
    ids = {vm.id for vm in census.vms if vm.state in _WORKING}
    return await run.db.read(lambda tx: [vm for vm_id in sorted(ids) if (vm := VM.peek(tx, vm_id)) is not None])


async def _migrations(run: Run[HostChange], vms: Sequence[Vm]) -> list[Task]:
    """A child for each; a repetition finds those there are, also of VMs that have left."""
    there = await run.db.read(lambda tx: task_rows.children(tx, run.task.id))
    known = {task.object_id for task in there}
    origin = Origin(actor=run.task.actor, reason=run.task.reason, request_id=run.task.request_id)
    new = [
        make(VM_MIGRATE_TASK, VmMigrate(vm_id=vm.id), object_id=vm.id, object_name=vm.name, project_id=vm.project_id,
             origin=origin, task_id=derived_id(run.task.id, vm.id))
        for vm in vms if vm.id not in known
    ]  # fmt: skip
    if new:
        run.report(None, f"{len(new)} VMs go on on other hosts")
    return [*there, *new]


async def _enter(run: Run[HostChange]) -> None:
    """It may be worked on."""

    def write(tx: Tx) -> None:
        if HOST.get(tx, run.args.host_id).state is HostState.UP:
            HOST.change(tx, run.args.host_id, state=HostState.MAINTENANCE)

    run.write(write)


async def _open(run: Run[HostChange]) -> None:
    """It may take VMs again."""

    def write(tx: Tx) -> None:
        host = HOST.peek(tx, run.args.host_id)
        if host is not None:
            state = HostState.UP if host.state is HostState.MAINTENANCE else host.state
            HOST.change(tx, host.id, maintenance=False, state=state)

    run.write(write)


async def _check_activate(run: Run[HostChange]) -> None:
    require(await run.db.read(lambda tx: HOST.get(tx, run.args.host_id)), HostAction.ACTIVATE)


HOST_MAINTAIN = TaskType(
    "host.maintain",
    HostChange,
    title="Put host into maintenance",
    permission=Permission.HOST_WRITE,
    noun="host",
    locks=lambda args: [exclusive("host", args.host_id)],
    check=_check,
    plan=_plan,
    steps=(
        Step("close", "Give it no more VMs", _close, undo=_open),
        Step("empty", "Move what runs there to other hosts", _empty),
        Step("enter", "Say that it is in maintenance", _enter),
    ),
)
HOST_ACTIVATE = TaskType(
    "host.activate",
    HostChange,
    title="End maintenance of host",
    permission=Permission.HOST_WRITE,
    noun="host",
    locks=lambda args: [exclusive("host", args.host_id)],
    check=_check_activate,
    steps=(Step("open", "Let it take VMs again", _open),),
)
