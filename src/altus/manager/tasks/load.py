"""Every task type there is."""

from __future__ import annotations

from typing import Any

from altus.manager.tasks.declare import TaskType
from altus.manager.tasks.floating_ip_tasks import FLOATING_IP_TASKS
from altus.manager.tasks.forward_tasks import FORWARD_TASKS
from altus.manager.tasks.host_forget import HOST_FORGET
from altus.manager.tasks.host_maintain import HOST_ACTIVATE, HOST_MAINTAIN
from altus.manager.tasks.host_renew import HOST_RENEW
from altus.manager.tasks.host_tasks import HOST_REMOVE
from altus.manager.tasks.image_tasks import IMAGE_TASKS
from altus.manager.tasks.network_tasks import NETWORK_TASKS
from altus.manager.tasks.router_tasks import ROUTER_TASKS
from altus.manager.tasks.security_group_tasks import SECURITY_GROUP_TASKS
from altus.manager.tasks.snapshot_create import SNAPSHOT_CREATE
from altus.manager.tasks.snapshot_delete import SNAPSHOT_DELETE, SNAPSHOT_MERGE
from altus.manager.tasks.snapshot_keep import SNAPSHOT_KEEP
from altus.manager.tasks.snapshot_revert import SNAPSHOT_REVERT
from altus.manager.tasks.snapshot_schedule_run import SNAPSHOT_SCHEDULE_RUN
from altus.manager.tasks.snapshot_schedule_tasks import (
    SNAPSHOT_SCHEDULE_CREATE,
    SNAPSHOT_SCHEDULE_DELETE,
    SNAPSHOT_SCHEDULE_EDIT,
)
from altus.manager.tasks.vm_adopt import VM_ADOPT
from altus.manager.tasks.vm_clone import VM_CLONE
from altus.manager.tasks.vm_create import VM_CREATE
from altus.manager.tasks.vm_delete import VM_DELETE
from altus.manager.tasks.vm_edit import VM_EDIT
from altus.manager.tasks.vm_edit_disk import VM_EDIT_DISK
from altus.manager.tasks.vm_edit_nic import VM_EDIT_NIC
from altus.manager.tasks.vm_migrate import VM_MIGRATE_TASK
from altus.manager.tasks.vm_power import POWER_TASKS
from altus.manager.tasks.vm_repair import VM_REPAIR
from altus.manager.tasks.volume_repair import VOLUME_REPAIR_TASK
from altus.manager.tasks.volume_tasks import VOLUME_TASKS

TASK_TYPES: dict[str, TaskType[Any]] = {
    kind.kind: kind
    for kind in (VM_CREATE, VM_CLONE, VM_EDIT, VM_EDIT_NIC, VM_EDIT_DISK, VM_DELETE, VM_MIGRATE_TASK, VM_REPAIR,
                 VM_ADOPT, *POWER_TASKS, *VOLUME_TASKS, VOLUME_REPAIR_TASK, SNAPSHOT_CREATE, SNAPSHOT_REVERT,
                 SNAPSHOT_DELETE, SNAPSHOT_MERGE, SNAPSHOT_KEEP, SNAPSHOT_SCHEDULE_CREATE, SNAPSHOT_SCHEDULE_EDIT,
                 SNAPSHOT_SCHEDULE_DELETE, SNAPSHOT_SCHEDULE_RUN, *IMAGE_TASKS, *NETWORK_TASKS, *SECURITY_GROUP_TASKS,
                 *FLOATING_IP_TASKS, *FORWARD_TASKS, *ROUTER_TASKS, HOST_MAINTAIN, HOST_ACTIVATE, HOST_RENEW,
                 HOST_REMOVE, HOST_FORGET)
}  # fmt: skip
