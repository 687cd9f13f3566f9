"""`vm.create`: a new VM from an image or with empty disks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from altus.manager.tasks import vm_build
from altus.manager.tasks.declare import TaskType
from altus.manager.tasks.vm_build import VmBuild
from altus.model.permission import Permission
from altus.model.task import Lock, exclusive, shared
from altus.model.volume import BaseKind


@dataclasses.dataclass(frozen=True, kw_only=True)
class VmCreate(VmBuild):
    """Arguments of `vm.create`."""


def locks(args: VmBuild) -> Sequence[Lock]:
    """The VM and its new volumes alone; what they are made from must stay."""
    hardware = args.vm.hardware
    images = {v.base.id for v in args.volumes if v.base is not None and v.base.kind is BaseKind.IMAGE}
    images |= {image for image in (hardware.kernel_image_id, hardware.cdrom_image_id) if image}
    return [
        exclusive("vm", args.vm.id),
        *(exclusive("volume", volume.id) for volume in args.volumes),
        *(shared("image", image) for image in images),
        *(shared("network", nic.network_id) for nic in hardware.nics),
        *(
            shared("security_group", group)
            for group in sorted({g for nic in hardware.nics for g in nic.security_groups})
        ),
    ]


VM_CREATE = TaskType(
    "vm.create",
    VmCreate,
    title="Create VM",
    permission=Permission.VM_CREATE,
    noun="vm",
    locks=locks,
    check=vm_build.check,
    plan=vm_build.plan,
    steps=vm_build.BUILD_STEPS,
    on_success=vm_build.finish,
    on_undone=vm_build.forget,
    on_stuck=vm_build.give_up,
)
