"""Power tasks: `vm.start`, `vm.stop`, `vm.restart`, `vm.kill`, `vm.pause`, `vm.resume`, `vm.suspend`."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from altus.common.errors import Failed, LimitExceeded, Unavailable
from altus.common.units import format_size
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, POOL, VM
from altus.manager.store.vms import working
from altus.manager.tasks.declare import Action, Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_cpu import choose_cpu, chosen_for, give_cpu, take_cpu_back
from altus.manager.tasks.vm_parts import observe, record, require_disks, require_host, require_open, the_host, the_vm
from altus.model.permission import Permission
from altus.model.placement import capacity_of
from altus.model.task import exclusive
from altus.model.vm import PowerIntent, VmObservation, VmState
from altus.model.vm_action import VmAction, require
from altus.wire.operations import (
    VM_DESTROY,
    VM_PAUSE,
    VM_REBOOT,
    VM_RESUME,
    VM_SHUTDOWN,
    VM_START,
    VM_SUSPEND,
    Operation,
    VmReboot,
    VmRef,
    VmSeen,
)

_LOOK = 0.1
_ASK_AGAIN = 5.0
_OFF = (VmState.STOPPED, VmState.CRASHED)


@dataclass(frozen=True, kw_only=True)
class VmPower:
    """Which VM."""

    vm_id: str


@dataclass(frozen=True, kw_only=True)
class VmStop(VmPower):
    """Ask the guest to power off; after `timeout` seconds fail, or cut the power if `force`."""

    timeout: float = 90.0
    force: bool = False


@dataclass(frozen=True, kw_only=True)
class VmRestart(VmPower):
    """Restart the guest, politely or by reset (`force`)."""

    force: bool = False


P = TypeVar("P", bound=VmPower)


def _checked(action: VmAction) -> Action[Any]:
    async def check(run: Run[VmPower]) -> None:
        vm = await the_vm(run, run.args.vm_id)
        await require_host(run, vm)
        require(vm, action)

    return check


def _simple(operation: Operation[VmRef, VmSeen], intent: PowerIntent) -> Action[Any]:
    async def do(run: Run[VmPower]) -> str | None:
        before = await the_vm(run, run.args.vm_id)
        seen = await run.call(await the_host(run, before.id), operation, VmRef(vm_id=before.id))
        record(run, before, seen, intent)
        return seen.observation.state if seen.observation else None

    return do


async def _check_start(run: Run[VmPower]) -> None:
    await _checked(VmAction.START)(run)
    await _check_memory(run)
    with contextlib.suppress(Unavailable):  # a host that is away just now is waited for: the step looks again
        await require_disks(run, await the_vm(run, run.args.vm_id))
    if run.engine is None:  # else its first step finds out
        await choose_cpu(run)


async def _check_resume(run: Run[VmPower]) -> None:
    await _checked(VmAction.RESUME)(run)
    if (await the_vm(run, run.args.vm_id)).state is VmState.SUSPENDED:
        await _check_memory(run)


async def _check_memory(run: Run[VmPower]) -> None:
    await require_open(run, run.args.vm_id)

    def fits(tx: Tx) -> None:
        vm = VM.get(tx, run.args.vm_id)
        host = HOST.get(tx, vm.host_id or "")
        _, used = working(tx).get(host.id, (0, 0))
        free = capacity_of(host, POOL.get(tx, host.pool_id)).memory - used
        if vm.hardware.memory > free:
            raise LimitExceeded(
                f"VM {vm.name} needs {format_size(vm.hardware.memory)} of memory; host {host.name} has "
                f"{format_size(max(free, 0))} left.", code="host.memory", hint="Stop another VM or give it less.",
            )  # fmt: skip

    await run.db.read(fits)


async def _start(run: Run[VmPower]) -> str | None:
    await require_open(run, run.args.vm_id)  # since the check its maintenance may have begun
    before = await the_vm(run, run.args.vm_id)
    await require_disks(run, before)
    cpu = await give_cpu(run, before)
    seen = await run.call(await the_host(run, before.id), VM_START, VmRef(vm_id=before.id))
    record(run, before, seen, PowerIntent.RUNNING, restart_pending=False, cpu=cpu)
    return seen.observation.state if seen.observation else None


async def _undo_start(run: Run[VmPower]) -> None:
    """A start that failed or was cancelled leaves the VM off, as it was; a saved memory image that was used up is told
    by the state."""
    vm_id = run.args.vm_id
    host_id = await the_host(run, vm_id)
    vm, seen = await the_vm(run, vm_id), await observe(run, vm_id)
    if seen is not None and seen.state is VmState.RUNNING and vm.state is not VmState.SUSPENDED:
        record(run, vm, await run.call(host_id, VM_DESTROY, VmRef(vm_id=vm_id)), PowerIntent.STOPPED)
    else:
        record(run, vm, VmSeen(observation=seen))
    await take_cpu_back(run, vm)


async def _choose_on_restart(run: Run[VmRestart]) -> Any:
    """Only with changed hardware it is off in between."""
    vm = await the_vm(run, run.args.vm_id)
    return await chosen_for(run, vm) if vm.restart_pending else None


async def _shut_down(run: Run[Any], vm_id: str, timeout: float, *, force: bool) -> VmSeen:
    """Ask the guest until it is off; after `timeout` seconds cut the power or give up. A request in early boot can be
    lost: it is asked again after a while, and as soon as its agent is heard of."""
    host_id, ref = await the_host(run, vm_id), VmRef(vm_id=vm_id)
    deadline, asked, agent_asked = time.monotonic() + timeout, float("-inf"), False
    while time.monotonic() < deadline:
        has_agent = (await the_vm(run, vm_id)).guest is not None
        again = time.monotonic() - asked >= _ASK_AGAIN or (has_agent and not agent_asked)
        if again:
            asked, agent_asked = time.monotonic(), has_agent
        seen = (await run.call(host_id, VM_SHUTDOWN, ref)).observation if again else await observe(run, vm_id)
        if seen is not None and seen.state not in _OFF:
            run.report(None, "Waiting for the guest to shut down")
            seen = await _told(run, seen, min(deadline, time.monotonic() + _LOOK))
        if seen is None or seen.state in _OFF:
            return VmSeen(observation=seen)
    if force:
        return await run.call(host_id, VM_DESTROY, ref)
    raise Failed(f"The guest did not shut down within {timeout:g} s.", code="vm.shutdown_timeout",
                 hint="Stop it with --force, or `altus vm kill` it.")  # fmt: skip


async def _told(run: Run[Any], seen: VmObservation, deadline: float) -> VmObservation:
    """What is known when the host's events have said that the VM is off, later than it was `seen`; when nobody wants it
    any more; or when the deadline has come for a host that says nothing."""
    while (left := deadline - time.monotonic()) > 0 and not run.cancelling:
        news = run.db.news.count
        vm = await the_vm(run, seen.id)
        if vm.state in _OFF and vm.observed > seen.order:
            return dataclasses.replace(seen, state=vm.state, order=vm.observed)
        await run.db.news.wait(news, left)
    return seen


async def _stop(run: Run[VmStop]) -> None:
    before = await the_vm(run, run.args.vm_id)
    seen = await _shut_down(run, before.id, run.args.timeout, force=run.args.force)
    record(run, before, seen, PowerIntent.STOPPED)


async def _tell_truth(run: Run[Any]) -> None:
    """What was asked of a guest cannot be taken back; its state is written as it is."""
    before = await the_vm(run, run.args.vm_id)
    record(run, before, VmSeen(observation=await observe(run, before.id)))


async def _undo_restart(run: Run[VmRestart]) -> None:
    """A guest cannot be asked to be as before; one that is off is defined as before."""
    await _tell_truth(run)
    seen = await observe(run, run.args.vm_id)
    if seen is not None and seen.state in _OFF:
        await take_cpu_back(run, await the_vm(run, run.args.vm_id))


async def _restart(run: Run[VmRestart]) -> None:
    vm = await the_vm(run, run.args.vm_id)
    host_id, ref = await the_host(run, vm.id), VmRef(vm_id=vm.id)
    seen = await observe(run, vm.id)
    # Changed hardware needs a new QEMU, not only a new boot. Off it is when an earlier attempt came that far; as soon
    # as that is heard of, no change is pending any more.
    if vm.restart_pending or (seen is not None and seen.state in _OFF):
        await _shut_down(run, vm.id, 0.0 if run.args.force else VmStop(vm_id=vm.id).timeout, force=run.args.force)
        cpu = await give_cpu(run, vm)
        started = await run.call(host_id, VM_START, ref)
        record(run, vm, started, PowerIntent.RUNNING, restart_pending=False, cpu=cpu)
        return
    await run.call(host_id, VM_REBOOT, VmReboot(vm_id=vm.id, force=run.args.force))


async def _undo_pause(run: Run[VmPower]) -> None:
    """Let it run again, if it was paused at all."""
    before, seen = await the_vm(run, run.args.vm_id), await observe(run, run.args.vm_id)
    if seen is not None and seen.state is VmState.PAUSED:
        record(run, before, await run.call(await the_host(run, before.id), VM_RESUME, VmRef(vm_id=before.id)))
    else:
        record(run, before, VmSeen(observation=seen))


async def _resume(run: Run[VmPower]) -> None:
    vm = await the_vm(run, run.args.vm_id)
    if vm.state is VmState.SUSPENDED:
        await require_open(run, vm.id)
    operation = VM_START if vm.state is VmState.SUSPENDED else VM_RESUME
    await _simple(operation, PowerIntent.RUNNING)(run)


def _power(action: VmAction, title: str, arguments: type[P], do: Callable[[Run[P]], Awaitable[Any]], *,
           undo: Action[P] = _tell_truth, check: Action[P] | None = None,
           cpu: Action[P] | None = None) -> TaskType[P]:  # fmt: skip
    return TaskType(
        f"vm.{action}",
        arguments,
        title=title,
        permission=Permission.VM_OPERATE,
        noun="vm",
        locks=lambda a: [exclusive("vm", a.vm_id)],
        check=check or _checked(action),
        steps=(*([] if cpu is None else [Step("cpu", "Choose the CPU", cpu)]), Step(str(action), title, do, undo=undo)),
    )


VM_START_TASK = _power(VmAction.START, "Start VM", VmPower, _start, undo=_undo_start, check=_check_start,
                       cpu=choose_cpu)  # fmt: skip
VM_STOP_TASK = _power(VmAction.STOP, "Stop VM", VmStop, _stop)
VM_RESTART_TASK = _power(
    VmAction.RESTART, "Restart VM", VmRestart, _restart, undo=_undo_restart, cpu=_choose_on_restart
)
VM_KILL_TASK = _power(VmAction.KILL, "Power off VM", VmPower, _simple(VM_DESTROY, PowerIntent.STOPPED))
VM_PAUSE_TASK = _power(VmAction.PAUSE, "Pause VM", VmPower, _simple(VM_PAUSE, PowerIntent.PAUSED), undo=_undo_pause)
VM_RESUME_TASK = _power(VmAction.RESUME, "Resume VM", VmPower, _resume, check=_check_resume)
VM_SUSPEND_TASK = _power(VmAction.SUSPEND, "Suspend VM", VmPower, _simple(VM_SUSPEND, PowerIntent.SUSPENDED))
POWER_TASKS = (VM_START_TASK, VM_STOP_TASK, VM_RESTART_TASK, VM_KILL_TASK, VM_PAUSE_TASK, VM_RESUME_TASK,
               VM_SUSPEND_TASK)  # fmt: skip
