"""Port forward tasks: `forward.create`, `.delete`, `.repair`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import FLOATING_IP, FORWARD, NETWORK, VM
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.every_host import on_hosts_that_answer
from altus.manager.tasks.floating_ip_tasks import require_ready, require_way_out
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_edit_nic import nic_of
from altus.manager.tasks.vm_parts import require_host, the_host, the_vm
from altus.model.forward import Forward, ForwardState
from altus.model.label import require_combinable
from altus.model.permission import Permission
from altus.model.task import Lock, exclusive, shared
from altus.model.vm_action import VmAction, require
from altus.wire.operations import TRANSLATION_DELETE, TRANSLATION_ENSURE, TranslationEnsure, TranslationRef


@dataclass(frozen=True, kw_only=True)
class ForwardMake:
    """The forward as it will be stored, and the floating address that it is of, if any."""

    forward: Forward
    floating_ip_id: str = ""


@dataclass(frozen=True, kw_only=True)
class ForwardChoice:
    """Which forward, and its VM."""

    forward_id: str
    vm_id: str


def _make_locks(args: ForwardMake) -> list[Lock]:
    return [
        exclusive("forward", args.forward.id),
        shared("vm", args.forward.vm_id),
        shared("network", args.forward.network_id),
        *([shared("floating_ip", args.floating_ip_id)] if args.floating_ip_id else []),
    ]


async def _check_make(run: Run[ForwardMake]) -> None:
    forward = run.args.forward

    def look(tx: Tx) -> None:
        network, vm = NETWORK.get(tx, forward.network_id), VM.get(tx, forward.vm_id)
        require_way_out(network)
        require(vm, VmAction.EDIT)
        if nic_of(vm, forward.nic_id).network_id != network.id:
            raise Conflict(f"The NIC of VM {vm.name} is not on network {network.name}.", code="forward.other_network",
                           hint="Name the network that the NIC is on.")  # fmt: skip
        require_combinable(f"Leading a port to VM {vm.name}", forward.label, vm.label)
        if run.args.floating_ip_id:
            require_ready(FLOATING_IP.get(tx, run.args.floating_ip_id))

    await require_host(run, await the_vm(run, forward.vm_id))
    await run.db.read(look)


async def _lead(run: Run[ForwardMake]) -> None:
    host_id = await the_host(run, run.args.forward.vm_id)
    await run.call(host_id, TRANSLATION_ENSURE, TranslationEnsure(translation=run.args.forward.spec))


async def _lead_no_more(run: Run[ForwardMake]) -> None:
    await _take_back(run, run.args.forward.id)


async def _take_back(run: Run[Any], forward_id: str) -> None:
    await on_hosts_that_answer(run, TRANSLATION_DELETE, TranslationRef(translation_id=forward_id))


def _made(run: Run[ForwardMake], tx: Tx) -> None:
    FORWARD.change(tx, run.args.forward.id, state=ForwardState.READY)


def _failed(run: Run[ForwardMake], tx: Tx) -> None:
    FORWARD.change(tx, run.args.forward.id, state=ForwardState.FAILED)


async def _check_there(run: Run[ForwardChoice]) -> None:
    await run.db.read(lambda tx: FORWARD.get(tx, run.args.forward_id))


async def _mark(run: Run[ForwardChoice]) -> None:
    run.write(lambda tx: FORWARD.change(tx, run.args.forward_id, state=ForwardState.DELETING))


async def _remove(run: Run[ForwardChoice]) -> None:
    await _take_back(run, run.args.forward_id)


def _remove_failed(run: Run[ForwardChoice], tx: Tx) -> None:
    FORWARD.change(tx, run.args.forward_id, state=ForwardState.FAILED)


async def _as_stored(run: Run[ForwardChoice]) -> None:
    forward = await run.db.read(lambda tx: FORWARD.get(tx, run.args.forward_id))
    host_id = await the_host(run, forward.vm_id)
    await run.call(host_id, TRANSLATION_ENSURE, TranslationEnsure(translation=forward.spec))


def _locks(args: ForwardChoice) -> list[Lock]:
    return [exclusive("forward", args.forward_id), shared("vm", args.vm_id)]


FORWARD_CREATE_TASK = TaskType(
    "forward.create",
    ForwardMake,
    title="Create port forward",
    permission=Permission.FORWARD_WRITE,
    noun="forward",
    locks=_make_locks,
    check=_check_make,
    steps=(Step("lead", "Lead the port to the VM", _lead, undo=_lead_no_more),),
    on_success=_made,
    on_undone=lambda run, tx: FORWARD.delete(tx, run.args.forward.id),
    on_stuck=_failed,
)
FORWARD_DELETE_TASK = TaskType(
    "forward.delete",
    ForwardChoice,
    title="Delete port forward",
    permission=Permission.FORWARD_WRITE,
    noun="forward",
    locks=_locks,
    check=_check_there,
    steps=(
        Step("mark", "Mark the port forward as being deleted", _mark, commits=True),
        Step("delete", "Lead the port nowhere", _remove),
    ),
    on_success=lambda run, tx: FORWARD.delete(tx, run.args.forward_id),
    on_stuck=_remove_failed,
    cancellable=False,
)
FORWARD_REPAIR_TASK = TaskType(
    "forward.repair",
    ForwardChoice,
    title="Repair port forward",
    permission=Permission.FORWARD_WRITE,
    noun="forward",
    locks=_locks,
    check=_check_there,
    steps=(Step("lead", "Lead the port where the database says", _as_stored),),
)
FORWARD_TASKS = (FORWARD_CREATE_TASK, FORWARD_DELETE_TASK, FORWARD_REPAIR_TASK)
