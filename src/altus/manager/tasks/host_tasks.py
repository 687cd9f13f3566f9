"""Host tasks: `host.maintain`, `host.activate`, `host.remove`; a dead host's `host.forget` is in host_forget.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from altus.common.errors import Cancelled, Conflict
from altus.manager.store import certificates, enrolment
from altus.manager.store import tasks as task_rows
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, IMAGE, STORAGE, VM, VOLUME
from altus.manager.tasks.declare import Action, Step, TaskType
from altus.manager.tasks.run import Run
from altus.model.host import Host, HostState
from altus.model.host_action import HostAction, require
from altus.model.loss import Loss, loss_of, named
from altus.model.permission import Permission
from altus.model.task import Task, exclusive
from altus.model.vm import Vm, VmState
from altus.wire.operations import HOST_CENSUS, Nothing

_WORKING = (VmState.RUNNING, VmState.PAUSED)
_MAY_WORK = (*_WORKING, VmState.UNKNOWN)
_LOOK = 1.0


@dataclass(frozen=True, kw_only=True)
class HostChange:
    """Which host."""

    host_id: str


def _checked(action: HostAction) -> Action[HostChange]:
    async def check(run: Run[HostChange]) -> None:
        require(await run.db.read(lambda tx: HOST.get(tx, run.args.host_id)), action)

    return check


def depart(tx: Tx, host_id: str) -> None:
    """The host belongs to the pool no more: nobody believes its certificates, and its rows are gone."""
    certificates.revoke_all(tx, host_id)
    enrolment.void(tx, host_id)
    for storage in STORAGE.all(tx, STORAGE.table.c.host_id == host_id):
        STORAGE.delete(tx, storage.id)
    HOST.delete(tx, host_id)


def whole_loss(tx: Tx, host_id: str) -> Loss:
    """What would go with the host."""
    return loss_of(host_id, STORAGE.all(tx), VOLUME.all(tx), IMAGE.all(tx), VM.all(tx, VM.table.c.host_id == host_id))


# -- maintenance -------------------------------------------------------------------------------------------------------


def _on_host(tx: Tx, host_id: str) -> list[Vm]:
    return VM.all(tx, VM.table.c.host_id == host_id)


async def _check_maintain(run: Run[HostChange]) -> None:
    def look(tx: Tx) -> None:
        host = HOST.get(tx, run.args.host_id)
        require(host, HostAction.MAINTAIN)
        _require_idle(host, [vm.name for vm in _on_host(tx, host.id) if vm.state in _MAY_WORK])

    await run.db.read(look)


def _require_idle(host: Host, working: list[str]) -> None:
    """`Conflict` (`host.in_use`) naming the VMs that run there."""
    if working:
        some = ", ".join(sorted(working)[:10]) + (f" and {len(working) - 10} more" if len(working) > 10 else "")
        raise Conflict(f"VMs run on host {host.name}: {some}.", code="host.in_use",
                       hint="Stop them first, or let them go on elsewhere: `altus vm migrate`.")  # fmt: skip


async def _plan_maintain(run: Run[HostChange]) -> dict[str, Any]:
    """Which VMs stay there, switched off and not to be started."""
    return {"VMs that stay": named(await run.db.read(lambda tx: _on_host(tx, run.args.host_id)))}


async def _close(run: Run[HostChange]) -> None:
    """From here on nothing is placed or started there."""

    run.write(lambda tx: HOST.change(tx, run.args.host_id, maintenance=True))


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


def _at_work(tx: Tx, own: Task, host_id: str) -> list[Task]:
    """Tasks that began before the host was closed and may still do something there: on its VMs, on VMs that move
    there or have no host yet, or whatever has asked it already."""
    columns = VM.table.c
    there = columns.host_id.is_(None) | (columns.host_id == host_id) | (columns.other_host_id == host_id)
    here = {vm.id for vm in VM.all(tx, there)}
    others = [task for task in task_rows.begun(tx) if own.id not in (task.id, task.parent_id)]
    return [task for task in others if task.object_id in here or task.host_id == host_id]


async def _empty(run: Run[HostChange]) -> None:
    """Wait for what was under way, then ask the host itself whether anything runs: what the database says may be late.
    Whatever is to leave the host does so here."""
    host_id = run.args.host_id
    while True:
        seen = run.db.news.count
        host, busy = await run.db.read(lambda tx: (HOST.get(tx, host_id), _at_work(tx, run.task, host_id)))
        if not busy:
            break
        if run.cancelling:
            raise Cancelled("The task was cancelled.", code="task.cancelled")
        run.report(None, f"Waiting for: {busy[0].title} {busy[0].object_name}")
        await run.db.news.wait(seen, _LOOK)
    census = await run.call(host_id, HOST_CENSUS, Nothing())
    _require_idle(host, [vm.name for vm in census.vms if vm.state in _WORKING])


HOST_MAINTAIN = TaskType(
    "host.maintain",
    HostChange,
    title="Put host into maintenance",
    permission=Permission.HOST_WRITE,
    noun="host",
    locks=lambda args: [exclusive("host", args.host_id)],
    check=_check_maintain,
    plan=_plan_maintain,
    steps=(
        Step("close", "Give it no more VMs", _close, undo=_open),
        Step("empty", "Wait until nothing runs there", _empty),
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
    check=_checked(HostAction.ACTIVATE),
    steps=(Step("open", "Let it take VMs again", _open),),
)

# -- removal -----------------------------------------------------------------------------------------------------------


async def _check_remove(run: Run[HostChange]) -> None:
    await run.db.read(lambda tx: _require_empty(tx, run.args.host_id))


def _require_empty(tx: Tx, host_id: str) -> None:
    """`Conflict` (`host.state`, `host.not_empty`) naming what is still there."""
    host = HOST.get(tx, host_id)
    require(host, HostAction.REMOVE)
    there = whole_loss(tx, host_id)
    found = {"VMs": (*there.vms, *there.stranded), "volumes": there.volumes, "images": there.images}
    still = "; ".join(f"{noun} {', '.join(named(things, 5))}" for noun, things in found.items() if things)
    if still:
        raise Conflict(f"Host {host.name} is not empty: {still}.", code="host.not_empty",
                       hint="Delete them first. For a host that is dead there is `altus host forget`.")  # fmt: skip


async def _remove(run: Run[HostChange]) -> None:
    """It is looked at again in the transaction that removes it."""

    def write(tx: Tx) -> None:
        _require_empty(tx, run.args.host_id)
        depart(tx, run.args.host_id)

    run.write(write)


HOST_REMOVE = TaskType(
    "host.remove",
    HostChange,
    title="Remove host",
    permission=Permission.HOST_WRITE,
    noun="host",
    locks=lambda args: [exclusive("host", args.host_id)],
    check=_check_remove,
    steps=(Step("remove", "Revoke its certificate and take it out of the pool", _remove),),
)
HOST_TASKS = (HOST_MAINTAIN, HOST_ACTIVATE, HOST_REMOVE)
