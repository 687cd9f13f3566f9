"""Has repaired, without being asked, what `vm.repair`, `security_group.repair`, `floating_ip.repair`,
`forward.repair`, `router.repair` and `volume.repair` put right for certain."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog

from altus.common.errors import AltusError
from altus.manager.services.changes import Change, Changes, Idempotency
from altus.manager.store import tasks as rows
from altus.manager.store.database import Tx
from altus.manager.store.resources import FLOATING_IP, FORWARD, ROUTER, SECURITY_GROUP, VM, VOLUME, Resources
from altus.manager.tasks.floating_ip_tasks import FLOATING_IP_REPAIR_TASK, FloatingIpChoice
from altus.manager.tasks.forward_tasks import FORWARD_REPAIR_TASK, ForwardChoice
from altus.manager.tasks.router_tasks import ROUTER_REPAIR_TASK, RouterChoice
from altus.manager.tasks.security_group_tasks import SECURITY_GROUP_REPAIR_TASK, SecurityGroupChoice
from altus.manager.tasks.vm_repair import VM_REPAIR, VmRepair
from altus.manager.tasks.volume_repair import VOLUME_REPAIR_TASK, VolumeRepair
from altus.model.actor import Actor, Right
from altus.model.consistency import Finding
from altus.model.floating_ip import FloatingIp
from altus.model.forward import Forward
from altus.model.permission import Permission
from altus.model.resource import Resource, utc_now
from altus.model.router import Router
from altus.model.security_group import SecurityGroup
from altus.model.task import TaskState
from altus.model.vm import Vm
from altus.model.volume import Volume

R = TypeVar("R", bound=Resource)
Find = Callable[[Tx, str], Change[Any] | None]
_log = structlog.get_logger(__name__)
_AFTER_SUCCESS, _AFTER_FAILURE = timedelta(seconds=10), timedelta(minutes=10)
"""How long something is left alone after a repair: it may not have helped."""
ACTOR = Actor(account_id="", name="altus", source="local",
              rights=(Right(frozenset({Permission.VM_READ, Permission.VM_EDIT, Permission.SECURITY_GROUP_WRITE,
                               Permission.FLOATING_IP_WRITE, Permission.FORWARD_WRITE,
                               Permission.ROUTER_WRITE, Permission.VOLUME_WRITE})),),
              )  # fmt: skip
"""Who asks for what nobody has asked for."""


class Repairs:
    """Submits repairs; asked for the same thing twice, it is one task, since its key is made of what is to be repaired
    and of the repair before."""

    def __init__(self, changes: Changes, now: Callable[[], datetime] = utc_now) -> None:
        self._changes = changes
        self._now = now

    async def submit(self, findings: Iterable[Finding]) -> None:
        """Have those VMs repaired of which all that was found is certain to be put right by that; a VM with a missing
        disk is not."""
        found = list(findings)
        spoiled = {finding.vm_id for finding in found if finding.vm_id and not finding.certain}
        for vm_id in {finding.vm_id for finding in found if finding.certain} - spoiled - {""}:
            await self._submit(VM_REPAIR.kind, vm_id, _VM)
        for noun, (kind, find) in _OWN.items():
            for object_id in {one.object_id for one in found if one.certain and one.noun == noun}:
                await self._submit(kind, object_id, find)

    async def _submit(self, kind: str, object_id: str, find: Find) -> None:
        change, key = await self._changes.db.read(lambda tx: (find(tx, object_id), self._key(tx, kind, object_id)))
        if change is None or not key:
            return
        try:
            task = await self._changes.submit(ACTOR, change, Idempotency.of(key, object_id.encode()))
        except AltusError as error:
            _log.warning("something is not repaired", kind=kind, object=object_id, error=error.message)
        else:
            _log.info("something is repaired", kind=kind, object=object_id, task=task.id)

    def _key(self, tx: Tx, kind: str, object_id: str) -> str:
        """Empty if it is too early."""
        last = rows.latest(tx, kind, object_id)
        if last is not None:
            pause = _AFTER_SUCCESS if last.state is TaskState.SUCCEEDED else _AFTER_FAILURE
            if last.finished_at is None or last.finished_at > self._now() - pause:
                return ""
        return f"repair {object_id} {last.id if last is not None else ''}"


def group_repair(group: SecurityGroup) -> Change[SecurityGroupChoice]:
    """The change by which a security group is put right."""
    return Change(kind=SECURITY_GROUP_REPAIR_TASK, arguments=SecurityGroupChoice(group_id=group.id), object_id=group.id,
                  object_name=group.name, project_id=group.project_id)  # fmt: skip


def floating_ip_repair(floating: FloatingIp) -> Change[FloatingIpChoice]:
    """The change by which a floating address is led again where it should."""
    arguments = FloatingIpChoice(floating_ip_id=floating.id, vm_id=floating.vm_id)
    return Change(kind=FLOATING_IP_REPAIR_TASK, arguments=arguments, object_id=floating.id, object_name=floating.name,
                  project_id=floating.project_id)  # fmt: skip


def forward_repair(forward: Forward) -> Change[ForwardChoice]:
    """The change by which a port forward is led again where it should."""
    arguments = ForwardChoice(forward_id=forward.id, vm_id=forward.vm_id)
    return Change(kind=FORWARD_REPAIR_TASK, arguments=arguments, object_id=forward.id, object_name=forward.name,
                  project_id=forward.project_id)  # fmt: skip


def router_repair(router: Router) -> Change[RouterChoice]:
    """The change by which a router is put right."""
    return Change(kind=ROUTER_REPAIR_TASK, arguments=RouterChoice(router_id=router.id), object_id=router.id,
                  object_name=router.name, project_id=router.project_id)  # fmt: skip


def volume_repair(volume: Volume) -> Change[VolumeRepair]:
    """The change by which copies of a VM's disk go that a migration has left."""
    return Change(kind=VOLUME_REPAIR_TASK, arguments=VolumeRepair(volume_id=volume.id, vm_id=volume.vm_id or ""),
                  object_id=volume.id, object_name=volume.name, project_id=volume.project_id)  # fmt: skip


def _vm_repair(vm: Vm) -> Change[VmRepair]:
    return Change(kind=VM_REPAIR, arguments=VmRepair(vm_id=vm.id), object_id=vm.id, object_name=vm.name,
                  project_id=vm.project_id)  # fmt: skip


def _of(noun: Resources[R], repair: Callable[[R], Change[Any]]) -> Find:
    """Finds the repair of the object with an id, if it is there still."""

    def find(tx: Tx, object_id: str) -> Change[Any] | None:
        found = noun.peek(tx, object_id)
        return None if found is None else repair(found)

    return find


_VM = _of(VM, _vm_repair)
_OWN: dict[str, tuple[str, Find]] = {
    "security_group": (SECURITY_GROUP_REPAIR_TASK.kind, _of(SECURITY_GROUP, group_repair)),
    "floating_ip": (FLOATING_IP_REPAIR_TASK.kind, _of(FLOATING_IP, floating_ip_repair)),
    "forward": (FORWARD_REPAIR_TASK.kind, _of(FORWARD, forward_repair)),
    "router": (ROUTER_REPAIR_TASK.kind, _of(ROUTER, router_repair)),
    "volume": (VOLUME_REPAIR_TASK.kind, _of(VOLUME, volume_repair)),
}
"""What has a repair of its own."""
