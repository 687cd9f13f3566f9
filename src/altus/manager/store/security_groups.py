"""Who uses security groups, and which groups name which: read from NICs and rules, so that nothing is kept twice."""

from __future__ import annotations

from collections.abc import Iterable

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import SECURITY_GROUP, VM
from altus.model.label import require_combinable
from altus.model.security_group import SecurityGroup, SecurityGroupState, find_loop
from altus.model.vm import Vm


def users_of(tx: Tx, group_id: str) -> list[str]:
    """What uses the group, in words: VMs with a NIC in it, and groups whose rules name it."""
    named = VM.all(tx, VM.table.c.hardware.contains(group_id, autoescape=True))
    vms = sorted(vm.name for vm in named if any(group_id in nic.security_groups for nic in vm.hardware.nics))
    named_by = SECURITY_GROUP.all(tx, SECURITY_GROUP.table.c.rules.contains(group_id, autoescape=True))
    groups = sorted(group.name for group in named_by if group_id in group.spec.remote_ids)
    return [*(f"VM {name}" for name in vms), *(f"security group {name}" for name in groups)]


def require_usable(tx: Tx, vm: Vm, group_ids: Iterable[str]) -> None:
    """`NotFound`, or `Conflict` (`label.mismatch`, `security_group.not_ready`): a NIC of the VM may not be in them."""
    for group_id in group_ids:
        group = SECURITY_GROUP.get(tx, group_id)
        require_combinable(f"Putting VM {vm.name} into security group {group.name}", vm.label, group.label)
        require_ready(group)


def require_remotes(tx: Tx, group: SecurityGroup) -> None:
    """The groups that its rules name must be there and usable, and none may name it again: of such groups none could be
    deleted. `Conflict` (`security_group.loop`, `security_group.not_ready`, `label.mismatch`)."""
    for remote_id in sorted(group.spec.remote_ids):
        remote = SECURITY_GROUP.get(tx, remote_id)
        require_combinable(f"Naming security group {remote.name} in {group.name}", group.label, remote.label)
        require_ready(remote)
    every = {one.id: one for one in SECURITY_GROUP.all(tx)} | {group.id: group}
    loop = find_loop({one.id: one.spec.remote_ids for one in every.values()}, group.id)
    if loop:
        way = " → ".join(every[one].name for one in loop)
        raise Conflict(f"Security groups would name each other: {way}.", code="security_group.loop",
                       hint="Put such NICs into one more group of their own, whose members talk.")  # fmt: skip


def require_ready(group: SecurityGroup) -> None:
    """`Conflict` (`security_group.not_ready`)."""
    if group.state is not SecurityGroupState.READY:
        raise Conflict(f"Security group {group.name} is {group.state}.", code="security_group.not_ready",
                       hint="See `altus security-group list`.")  # fmt: skip
