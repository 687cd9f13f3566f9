"""`vm.clone`: a new VM with copies of a stopped VM's disks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from altus.manager.tasks import vm_build, vm_create
from altus.manager.tasks.declare import TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.vm_build import VmBuild
from altus.manager.tasks.vm_parts import the_vm
from altus.model.label import require_combinable
from altus.model.permission import Permission
from altus.model.task import Lock, exclusive, shared
from altus.model.vm_action import VmAction, require


@dataclasses.dataclass(frozen=True, kw_only=True)
class VmClone(VmBuild):
    """Arguments of `vm.clone`: the new volumes name their sources as base."""

    source_id: str


def locks(args: VmClone) -> Sequence[Lock]:
    """The source must stay stopped; a linked clone even moves its disks' contents aside, so it is held alone."""
    bases = [volume.base for volume in args.volumes if volume.base is not None]
    linked = any(base.linked for base in bases)
    source = exclusive("vm", args.source_id) if linked else shared("vm", args.source_id)
    volumes = [exclusive("volume", base.id) if linked else shared("volume", base.id) for base in bases]
    return [source, *volumes, *vm_create.locks(args)]


async def check(run: Run[VmClone]) -> None:
    """The source must be stopped and of the same label."""
    source = await the_vm(run, run.args.source_id)
    require(source, VmAction.CLONE)
    require_combinable(f"Cloning VM {source.name}", source.label, run.args.vm.label)
    await vm_build.check(run)


VM_CLONE = TaskType(
    "vm.clone",
    VmClone,
    title="Clone VM",
    permission=Permission.VM_CREATE,
    noun="vm",
    locks=locks,
    check=check,
    plan=vm_build.plan,
    steps=vm_build.BUILD_STEPS,
    on_success=vm_build.finish,
    on_undone=vm_build.forget,
    on_stuck=vm_build.give_up,
)
