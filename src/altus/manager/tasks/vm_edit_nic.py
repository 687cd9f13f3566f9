"""`vm.edit_nic`: change a NIC of a VM, at once, whether it runs or not; only its model waits for the next start.

A NIC that moves to another network keeps its MAC and gets another address, which is reserved under an id of its own
until the task is done: until then the NIC may go back to the one it has. Its guest finds the link down meanwhile, and
asks for an address when it is up again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from altus.common.errors import Conflict
from altus.manager.store import ports
from altus.manager.store.database import Tx
from altus.manager.store.resources import FLOATING_IP, FORWARD, NETWORK, VM
from altus.manager.store.security_groups import require_usable
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_devices import OFF, plug, require_awake
from altus.manager.tasks.vm_parts import definition, remember, remembered, require_host, require_pluggable, the_vm
from altus.model.network import NicLimit
from altus.model.permission import Permission
from altus.model.task import Lock, exclusive, shared
from altus.model.vm import NicLink, NicModel, Vm, VmNic
from altus.model.vm_action import VmAction, require
from altus.wire.operations import PORT_ENSURE, VM_DEFINE, PortEnsure, VmDefine


@dataclasses.dataclass(frozen=True, kw_only=True)
class VmEditNic:
    """Only what is not None changes; a limit of rate 0 is none. `moved` is what the NIC is on its other network; its id
    is that of the reservation."""

    vm_id: str
    nic_id: str
    security_groups: tuple[str, ...] | None = None
    limit_in: NicLimit | None = None
    limit_out: NicLimit | None = None
    link: NicLink | None = None
    model: NicModel | None = None
    moved: VmNic | None = None

    def applied(self, vm: Vm) -> Vm:
        """The VM with the change."""
        given = ((f, getattr(self, f)) for f in ("security_groups", "limit_in", "limit_out", "link", "model"))
        changes: dict[str, Any] = {
            f: None if isinstance(v, NicLimit) and not v.rate else v for f, v in given if v is not None
        }
        if self.moved is not None:
            changes |= {"network_id": self.moved.network_id, "address": self.moved.address}
        nics = tuple(dataclasses.replace(nic, **changes) if nic.id == self.nic_id else nic for nic in vm.hardware.nics)
        return dataclasses.replace(vm, hardware=dataclasses.replace(vm.hardware, nics=nics))


def nic_of(vm: Vm, nic_id: str) -> VmNic:
    """`Conflict` (`vm.no_such_device`) if it is gone."""
    found = next((nic for nic in vm.hardware.nics if nic.id == nic_id), None)
    if found is None:
        raise Conflict(f"VM {vm.name} has no NIC {nic_id}.", code="vm.no_such_device",
                       hint=f"See `altus vm show {vm.name}`.")  # fmt: skip
    return found


def _locks(args: VmEditNic) -> Sequence[Lock]:
    network = [] if args.moved is None else [shared("network", args.moved.network_id)]
    groups = (shared("security_group", group) for group in args.security_groups or ())
    return [exclusive("vm", args.vm_id), *network, *groups]


async def _check(run: Run[VmEditNic]) -> None:
    def look(tx: Tx) -> None:
        vm = VM.get(tx, run.args.vm_id)
        require(vm, VmAction.EDIT)
        nic = nic_of(vm, run.args.nic_id)
        if (run.args.link, run.args.model, run.args.moved) != (None, None, None):
            require_awake(vm)
        if run.args.moved is not None:
            require_pluggable(vm, NETWORK.get(tx, run.args.moved.network_id))
            _require_movable(tx, vm, nic)
        require_usable(tx, vm, run.args.security_groups or ())

    await require_host(run, await the_vm(run, run.args.vm_id))
    await run.db.read(look)


def _require_movable(tx: Tx, vm: Vm, nic: VmNic) -> None:
    """`Conflict` (`nic.led_to`) if something outside leads to it, which could not from another network."""
    led = [
        *FLOATING_IP.all(tx, FLOATING_IP.table.c.nic_id == nic.id),
        *FORWARD.all(tx, FORWARD.table.c.nic_id == nic.id),
    ]
    if led:
        raise Conflict(f"{len(led)} floating addresses or port forwards lead to NIC {nic.mac} of VM {vm.name}.",
                       code="nic.led_to", hint="Detach or delete them first.")  # fmt: skip


async def _plan(run: Run[VmEditNic]) -> dict[str, Any]:
    """Of a VM that runs, what happens when."""
    vm = await the_vm(run, run.args.vm_id)
    before, after = vars(nic_of(vm, run.args.nic_id)), vars(nic_of(run.args.applied(vm), run.args.nic_id))
    changed = [name for name in after if after[name] != before[name]]
    if vm.state in OFF:
        return {}
    return {"while it runs": [name for name in changed if name != "model"],
            "at its next start": [name for name in changed if name == "model"]}  # fmt: skip


async def _unlink(run: Run[VmEditNic]) -> None:
    """Only of one that moves."""
    if (before := remembered(run)) is not None and run.args.moved is not None:
        await plug(run, before, [run.args.nic_id], held=[run.args.nic_id])


async def _link(run: Run[VmEditNic]) -> None:
    if (before := remembered(run)) is not None and _shows(run.args):
        await plug(run, run.args.applied(before), [run.args.nic_id])


async def _hold(run: Run[VmEditNic]) -> None:
    """One that goes back to its network has no link until it is there."""
    await (_unlink if run.args.moved is not None else _link_as_before)(run)


async def _link_as_before(run: Run[VmEditNic]) -> None:
    if (before := remembered(run)) is not None and _shows(run.args):
        await plug(run, before, [run.args.nic_id])


def _shows(args: VmEditNic) -> bool:
    """Whether a running guest sees anything of it."""
    return args.link is not None or args.moved is not None


async def _port(run: Run[VmEditNic]) -> None:
    if (before := remembered(run)) is not None:
        await _ensure(run, run.args.applied(before))


async def _port_as_before(run: Run[VmEditNic]) -> None:
    if (before := remembered(run)) is not None:
        await _ensure(run, before)


async def _ensure(run: Run[VmEditNic], vm: Vm) -> None:
    await run.call(vm.host_id or "", PORT_ENSURE, PortEnsure(port=nic_of(vm, run.args.nic_id).port))


async def _define(run: Run[VmEditNic]) -> None:
    """For what the host keeps of it, from which a lost database could be made again."""
    if (before := remembered(run)) is not None:
        vm = dataclasses.replace(run.args.applied(before), revision=before.revision + 1)
        await run.call(vm.host_id or "", VM_DEFINE, VmDefine(vm=definition(vm)))


async def _define_as_before(run: Run[VmEditNic]) -> None:
    if (before := remembered(run)) is not None:
        await run.call(before.host_id or "", VM_DEFINE, VmDefine(vm=definition(before)))


async def _store(run: Run[VmEditNic]) -> None:
    before = remembered(run)
    if before is None:
        return
    hardware, old = run.args.applied(before).hardware, nic_of(before, run.args.nic_id)
    new = nic_of(run.args.applied(before), run.args.nic_id)

    def write(tx: Tx) -> None:
        mtus = {NETWORK.get(tx, nic.network_id).mtu for nic in (old, new)}
        pending = before.state not in OFF and (before.restart_pending or new.model is not old.model or len(mtus) > 1)
        VM.change(tx, run.args.vm_id, hardware=hardware, restart_pending=pending)

    run.write(write)


def _moved(run: Run[VmEditNic], tx: Tx) -> None:
    if run.args.moved is not None:
        ports.settle(tx, run.args.moved, run.args.nic_id)


def _not_moved(run: Run[VmEditNic], tx: Tx) -> None:
    if run.args.moved is not None:
        ports.release(tx, run.args.moved.id)


VM_EDIT_NIC = TaskType(
    "vm.edit_nic",
    VmEditNic,
    title="Change NIC of VM",
    permission=Permission.VM_EDIT,
    noun="vm",
    locks=_locks,
    check=_check,
    plan=_plan,
    steps=(
        Step("prepare", "Remember the VM as it is", remember),
        Step("unlink", "Take the link of a NIC that moves away", _unlink, undo=_link_as_before),
        Step("port", "Change the NIC's network port", _port, undo=_port_as_before),
        Step("define", "Define the VM anew on its host", _define, undo=_define_as_before),
        Step("link", "Have the running guest see the NIC as it is now", _link, undo=_hold),
        Step("store", "Store the change", _store),
    ),
    on_success=_moved,
    on_undone=_not_moved,
)
