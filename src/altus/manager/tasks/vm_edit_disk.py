"""`vm.edit_disk`: change how fast a disk of a VM may be, at once, whether the VM runs or not."""

from __future__ import annotations

import dataclasses

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import VM
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_devices import plug, require_awake
from altus.manager.tasks.vm_parts import definition, remember, remembered, require_host, the_vm
from altus.model.disk_limits import DiskLimits
from altus.model.permission import Permission
from altus.model.task import exclusive
from altus.model.vm import Vm
from altus.model.vm_action import VmAction, require
from altus.wire.operations import VM_DEFINE, VmDefine


@dataclasses.dataclass(frozen=True, kw_only=True)
class VmEditDisk:
    """All the limits that the disk has then."""

    vm_id: str
    volume_id: str
    limits: DiskLimits

    def applied(self, vm: Vm) -> Vm:
        """The VM with the change."""
        disks = tuple(dataclasses.replace(disk, limits=self.limits) if disk.volume_id == self.volume_id else disk
                      for disk in vm.hardware.disks)  # fmt: skip
        return dataclasses.replace(vm, hardware=dataclasses.replace(vm.hardware, disks=disks))


async def _check(run: Run[VmEditDisk]) -> None:
    def look(tx: Tx) -> None:
        vm = VM.get(tx, run.args.vm_id)
        require(vm, VmAction.EDIT)
        require_awake(vm)
        if run.args.volume_id not in {disk.volume_id for disk in vm.hardware.disks}:
            raise Conflict(f"VM {vm.name} has no disk {run.args.volume_id}.", code="vm.no_such_device",
                           hint=f"See `altus vm show {vm.name}`.")  # fmt: skip

    await require_host(run, await the_vm(run, run.args.vm_id))
    await run.db.read(look)


async def _define(run: Run[VmEditDisk]) -> None:
    if (before := remembered(run)) is not None:
        vm = dataclasses.replace(run.args.applied(before), revision=before.revision + 1)
        await run.call(vm.host_id or "", VM_DEFINE, VmDefine(vm=definition(vm)))


async def _define_as_before(run: Run[VmEditDisk]) -> None:
    if (before := remembered(run)) is not None:
        await run.call(before.host_id or "", VM_DEFINE, VmDefine(vm=definition(before)))


async def _limit(run: Run[VmEditDisk]) -> None:
    if (before := remembered(run)) is not None:
        await plug(run, run.args.applied(before), [run.args.volume_id])


async def _limit_as_before(run: Run[VmEditDisk]) -> None:
    if (before := remembered(run)) is not None:
        await plug(run, before, [run.args.volume_id])


async def _store(run: Run[VmEditDisk]) -> None:
    if (before := remembered(run)) is not None:
        hardware = run.args.applied(before).hardware
        run.write(lambda tx: VM.change(tx, run.args.vm_id, hardware=hardware))


VM_EDIT_DISK = TaskType(
    "vm.edit_disk",
    VmEditDisk,
    title="Change disk of VM",
    permission=Permission.VM_EDIT,
    noun="vm",
    locks=lambda args: [exclusive("vm", args.vm_id)],
    check=_check,
    steps=(
        Step("prepare", "Remember the VM as it is", remember),
        Step("define", "Define the VM anew on its host", _define, undo=_define_as_before),
        Step("limit", "Limit the disk of the running guest", _limit, undo=_limit_as_before),
        Step("store", "Store the change", _store),
    ),
)
