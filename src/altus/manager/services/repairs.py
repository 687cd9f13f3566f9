"""Has repaired, without being asked, what `vm.repair` puts right for certain."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog

from altus.common.errors import AltusError
from altus.manager.services.changes import Change, Changes, Idempotency
from altus.manager.store import tasks as rows
from altus.manager.store.database import Tx
from altus.manager.store.resources import VM
from altus.manager.tasks.vm_repair import VM_REPAIR, VmRepair
from altus.model.actor import Actor, Right
from altus.model.consistency import Finding
from altus.model.permission import Permission
from altus.model.resource import utc_now
from altus.model.task import TaskState
from altus.model.vm import Vm

_log = structlog.get_logger(__name__)
_AFTER_SUCCESS, _AFTER_FAILURE = timedelta(seconds=10), timedelta(minutes=10)
"""How long a VM is left alone after a repair: it may not have helped."""
ACTOR = Actor(account_id="", name="altus", source="local",
              rights=(Right(frozenset({Permission.VM_READ, Permission.VM_EDIT})),))  # fmt: skip
"""Who asks for what nobody has asked for."""


class Repairs:
    """Submits `vm.repair`; asked for the same thing twice, it is one task, since its key is made of the VM and of the
    repair before."""

    def __init__(self, changes: Changes, now: Callable[[], datetime] = utc_now) -> None:
        self._changes = changes
        self._now = now

    async def submit(self, findings: Iterable[Finding]) -> None:
        """Have those VMs repaired of which all that was found is certain to be put right by that; a VM with a missing
        disk is not."""
        found = list(findings)
        spoiled = {finding.vm_id for finding in found if finding.vm_id and not finding.certain}
        for vm_id in {finding.vm_id for finding in found if finding.certain} - spoiled:
            await self._submit(vm_id)

    async def _submit(self, vm_id: str) -> None:
        vm, key = await self._changes.db.read(lambda tx: (VM.peek(tx, vm_id), self._key(tx, vm_id)))
        if vm is None or not key:
            return
        try:
            task = await self._changes.submit(ACTOR, repair(vm), Idempotency.of(key, vm_id.encode()))
        except AltusError as error:
            _log.warning("a VM is not repaired", vm=vm_id, error=error.message)
        else:
            _log.info("a VM is repaired", vm=vm_id, task=task.id)

    def _key(self, tx: Tx, vm_id: str) -> str:
        """Empty if it is too early."""
        last = rows.latest(tx, VM_REPAIR.kind, vm_id)
        if last is not None:
            pause = _AFTER_SUCCESS if last.state is TaskState.SUCCEEDED else _AFTER_FAILURE
            if last.finished_at is None or last.finished_at > self._now() - pause:
                return ""
        return f"repair {vm_id} {last.id if last is not None else ''}"


def repair(vm: Vm) -> Change[VmRepair]:
    """The change by which a VM is put right."""
    return Change(kind=VM_REPAIR, arguments=VmRepair(vm_id=vm.id), object_id=vm.id, object_name=vm.name,
                  project_id=vm.project_id)  # fmt: skip
