"""`vm.edit_nic`: change a NIC of a VM where its guest does not notice: at once, whether it runs or not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import VM
from altus.manager.store.security_groups import require_usable
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_parts import definition, remember, remembered, require_host, the_vm
from altus.model.network import NicLimit
from altus.model.permission import Permission
from altus.model.task import Lock, exclusive, shared
from altus.model.vm import Vm, VmNic
from altus.model.vm_action import VmAction, require
from altus.wire.operations import PORT_ENSURE, VM_DEFINE, PortEnsure, VmDefine


@dataclasses.dataclass(frozen=True, kw_only=True)
class VmEditNic:
    """Only what is not None changes; a limit of rate 0 is none."""

    vm_id: str
    nic_id: str
    security_groups: tuple[str, ...] | None = None
    limit_in: NicLimit | None = None
    limit_out: NicLimit | None = None

    def applied(self, vm: Vm) -> Vm:
        """The VM with the change."""
        given = ((f, getattr(self, f)) for f in ("security_groups", "limit_in", "limit_out"))
        changes: dict[str, Any] = {
            f: None if isinstance(v, NicLimit) and not v.rate else v for f, v in given if v is not None
        }
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
    return [exclusive("vm", args.vm_id), *(shared("security_group", group) for group in args.security_groups or ())]


async def _check(run: Run[VmEditNic]) -> None:
    def look(tx: Tx) -> None:
        vm = VM.get(tx, run.args.vm_id)
        require(vm, VmAction.EDIT)
        nic_of(vm, run.args.nic_id)
        require_usable(tx, vm, run.args.security_groups or ())

    await require_host(run, await the_vm(run, run.args.vm_id))
    await run.db.read(look)


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
    if (before := remembered(run)) is not None:
        hardware = run.args.applied(before).hardware
        run.write(lambda tx: VM.change(tx, run.args.vm_id, hardware=hardware))


VM_EDIT_NIC = TaskType(
    "vm.edit_nic",
    VmEditNic,
    title="Change NIC of VM",
    permission=Permission.VM_EDIT,
    noun="vm",
    locks=_locks,
    check=_check,
    steps=(
        Step("prepare", "Remember the VM as it is", remember),
        Step("port", "Change the NIC's network port", _port, undo=_port_as_before),
        Step("define", "Define the VM anew on its host", _define, undo=_define_as_before),
        Step("store", "Store the change", _store),
    ),
)
