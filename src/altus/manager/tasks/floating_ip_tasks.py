"""Floating address tasks: `floating_ip.create`, `.attach`, `.detach`, `.delete`, `.repair`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from altus.common.errors import Conflict
from altus.manager.store import forwards
from altus.manager.store.database import Tx
from altus.manager.store.resources import FLOATING_IP, FORWARD, NETWORK, VM
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.every_host import on_hosts_that_answer
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_edit_nic import nic_of
from altus.manager.tasks.vm_parts import require_host, the_vm
from altus.model.floating_ip import FloatingIp, FloatingIpState
from altus.model.label import require_combinable
from altus.model.network import Network, NetworkKind, NetworkState
from altus.model.permission import Permission
from altus.model.task import Lock, exclusive, shared
from altus.model.vm_action import VmAction, require
from altus.wire.operations import TRANSLATION_DELETE, TRANSLATION_ENSURE, TranslationEnsure, TranslationRef


@dataclass(frozen=True, kw_only=True)
class FloatingIpMake:
    """The floating address as it will be stored."""

    floating_ip: FloatingIp


@dataclass(frozen=True, kw_only=True)
class FloatingIpAttach:
    """Which floating address leads to which NIC."""

    floating_ip_id: str
    vm_id: str
    nic_id: str


@dataclass(frozen=True, kw_only=True)
class FloatingIpChoice:
    """Which floating address; `vm_id` is the VM that it led to when this was asked for, or empty."""

    floating_ip_id: str
    vm_id: str = ""


def require_way_out(network: Network) -> None:
    """`Conflict` (`floating_ip.no_way_out`, `network.not_ready`)."""
    if network.kind is not NetworkKind.NAT:
        raise Conflict(f"Network {network.name} is {network.kind}: it has no way out, and none in.",
                       code="floating_ip.no_way_out", hint="Use a NAT network.")  # fmt: skip
    if network.state is not NetworkState.READY:
        raise Conflict(f"Network {network.name} is {network.state}.", code="network.not_ready",
                       hint="See `altus network list`.")  # fmt: skip


def require_ready(floating: FloatingIp) -> None:
    """`Conflict` (`floating_ip.not_ready`)."""
    if floating.state is not FloatingIpState.READY:
        raise Conflict(f"Floating address {floating.address} is {floating.state}.", code="floating_ip.not_ready",
                       hint="See `altus floating-ip list`.")  # fmt: skip


def _leads(tx: Tx, floating: FloatingIp) -> str:
    vm = VM.peek(tx, floating.vm_id)
    return f"Floating address {floating.address} leads to VM {vm.name if vm is not None else floating.vm_id}."


async def _check_make(run: Run[FloatingIpMake]) -> None:
    def look(tx: Tx) -> None:
        floating = run.args.floating_ip
        network = NETWORK.get(tx, floating.network_id)
        require_way_out(network)
        require_combinable(f"A floating address on network {network.name}", floating.label, network.label)

    await run.db.read(look)


async def _give(run: Run[FloatingIpMake]) -> None:
    run.write(lambda tx: FLOATING_IP.change(tx, run.args.floating_ip.id, state=FloatingIpState.READY))


async def _check_attach(run: Run[FloatingIpAttach]) -> None:
    args = run.args

    def look(tx: Tx) -> None:
        floating, vm = FLOATING_IP.get(tx, args.floating_ip_id), VM.get(tx, args.vm_id)
        require_ready(floating)
        if floating.vm_id:
            raise Conflict(_leads(tx, floating), code="floating_ip.attached", hint="Detach it first.")
        require(vm, VmAction.EDIT)
        if nic_of(vm, args.nic_id).network_id != floating.network_id:
            network = NETWORK.get(tx, floating.network_id)
            raise Conflict(f"The NIC of VM {vm.name} is not on network {network.name}, for which it would have to be.",
                           code="floating_ip.other_network", hint="Create one for its network.")  # fmt: skip
        require_combinable(f"Attaching {floating.address} to VM {vm.name}", floating.label, vm.label)

    await require_host(run, await the_vm(run, args.vm_id))
    await run.db.read(look)


async def _lead(run: Run[FloatingIpAttach]) -> None:
    args = run.args
    vm = await the_vm(run, args.vm_id)
    floating = await run.db.read(lambda tx: FLOATING_IP.get(tx, args.floating_ip_id))
    led = replace(floating, vm_id=vm.id, nic_id=args.nic_id, inside=nic_of(vm, args.nic_id).address)
    await run.call(vm.host_id or "", TRANSLATION_ENSURE, TranslationEnsure(translation=led.spec))
    run.write(lambda tx: FLOATING_IP.change(tx, led.id, vm_id=led.vm_id, nic_id=led.nic_id, inside=led.inside))


async def _lead_no_more(run: Run[FloatingIpAttach]) -> None:
    await _take_back(run)
    run.write(lambda tx: FLOATING_IP.change(tx, run.args.floating_ip_id, vm_id="", nic_id="", inside=""))


async def _take_back(run: Run[Any]) -> None:
    request = TranslationRef(translation_id=run.args.floating_ip_id)
    await on_hosts_that_answer(run, TRANSLATION_DELETE, request)


async def _check_detach(run: Run[FloatingIpChoice]) -> None:
    def look(tx: Tx) -> None:
        floating = FLOATING_IP.get(tx, run.args.floating_ip_id)
        require_ready(floating)
        if not floating.vm_id:
            raise Conflict(f"Floating address {floating.address} leads to no VM.", code="floating_ip.detached",
                           hint="See `altus floating-ip list`.")  # fmt: skip
        _require_same(floating, run.args)

    await run.db.read(look)


def _require_same(floating: FloatingIp, args: FloatingIpChoice) -> None:
    """What is locked is the VM of then."""
    if floating.vm_id not in ("", args.vm_id):
        raise Conflict(f"Floating address {floating.address} was attached elsewhere meanwhile.",
                       code="floating_ip.changed", hint="Look at it again and repeat the change.")  # fmt: skip


async def _detach(run: Run[FloatingIpChoice]) -> None:
    await _take_back(run)
    run.write(lambda tx: FLOATING_IP.change(tx, run.args.floating_ip_id, vm_id="", nic_id="", inside=""))


async def _as_stored(run: Run[FloatingIpChoice]) -> None:
    """Where the database says that it leads; a step that is undone has not changed that yet."""

    def look(tx: Tx) -> tuple[FloatingIp, str | None]:
        floating = FLOATING_IP.get(tx, run.args.floating_ip_id)
        vm = VM.peek(tx, floating.vm_id)
        return floating, vm.host_id if vm is not None else None

    floating, host_id = await run.db.read(look)
    if host_id is not None:
        await run.call(host_id, TRANSLATION_ENSURE, TranslationEnsure(translation=floating.spec))


async def _check_remove(run: Run[FloatingIpChoice]) -> None:
    def look(tx: Tx) -> None:
        floating = FLOATING_IP.get(tx, run.args.floating_ip_id)
        if floating.vm_id:
            raise Conflict(_leads(tx, floating), code="floating_ip.in_use", hint="Detach it first.")
        if forwarded := forwards.names(tx, FORWARD.table.c.address == floating.address):
            raise Conflict(f"Floating address {floating.address} has the port forwards {', '.join(forwarded[:5])}.",
                           code="floating_ip.in_use", hint="Delete those first: `altus forward delete`.")  # fmt: skip

    await run.db.read(look)


async def _mark(run: Run[FloatingIpChoice]) -> None:
    run.write(lambda tx: FLOATING_IP.change(tx, run.args.floating_ip_id, state=FloatingIpState.DELETING))


def _remove_failed(run: Run[FloatingIpChoice], tx: Tx) -> None:
    FLOATING_IP.change(tx, run.args.floating_ip_id, state=FloatingIpState.FAILED)


async def _check_repair(run: Run[FloatingIpChoice]) -> None:
    await run.db.read(lambda tx: _require_same(FLOATING_IP.get(tx, run.args.floating_ip_id), run.args))


def _locks(args: FloatingIpChoice) -> list[Lock]:
    return [exclusive("floating_ip", args.floating_ip_id), *([shared("vm", args.vm_id)] if args.vm_id else [])]


FLOATING_IP_CREATE_TASK = TaskType(
    "floating_ip.create",
    FloatingIpMake,
    title="Create floating address",
    permission=Permission.FLOATING_IP_WRITE,
    noun="floating_ip",
    locks=lambda args: [exclusive("floating_ip", args.floating_ip.id), shared("network", args.floating_ip.network_id)],
    check=_check_make,
    steps=(Step("give", "Give the address to the project", _give),),
    on_undone=lambda run, tx: FLOATING_IP.delete(tx, run.args.floating_ip.id),
)
FLOATING_IP_ATTACH_TASK = TaskType(
    "floating_ip.attach",
    FloatingIpAttach,
    title="Attach floating address",
    permission=Permission.FLOATING_IP_WRITE,
    noun="floating_ip",
    locks=lambda args: [exclusive("floating_ip", args.floating_ip_id), shared("vm", args.vm_id)],
    check=_check_attach,
    steps=(Step("lead", "Lead the address to the NIC", _lead, undo=_lead_no_more),),
)
FLOATING_IP_DETACH_TASK = TaskType(
    "floating_ip.detach",
    FloatingIpChoice,
    title="Detach floating address",
    permission=Permission.FLOATING_IP_WRITE,
    noun="floating_ip",
    locks=_locks,
    check=_check_detach,
    steps=(Step("detach", "Lead the address nowhere", _detach, undo=_as_stored),),
)
FLOATING_IP_DELETE_TASK = TaskType(
    "floating_ip.delete",
    FloatingIpChoice,
    title="Delete floating address",
    permission=Permission.FLOATING_IP_WRITE,
    noun="floating_ip",
    locks=_locks,
    check=_check_remove,
    steps=(
        Step("mark", "Mark the floating address as being deleted", _mark, commits=True),
        Step("delete", "See that the address leads nowhere", _take_back),
    ),
    on_success=lambda run, tx: FLOATING_IP.delete(tx, run.args.floating_ip_id),
    on_stuck=_remove_failed,
    cancellable=False,
)
FLOATING_IP_REPAIR_TASK = TaskType(
    "floating_ip.repair",
    FloatingIpChoice,
    title="Repair floating address",
    permission=Permission.FLOATING_IP_WRITE,
    noun="floating_ip",
    locks=_locks,
    check=_check_repair,
    steps=(Step("lead", "Lead the address where the database says", _as_stored),),
)
FLOATING_IP_TASKS = (
    FLOATING_IP_CREATE_TASK,
    FLOATING_IP_ATTACH_TASK,
    FLOATING_IP_DETACH_TASK,
    FLOATING_IP_DELETE_TASK,
    FLOATING_IP_REPAIR_TASK,
)
