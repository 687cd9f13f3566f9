"""Who may move now: each host bears so many migrations, from it or to it, and those that wait are let go in order.

What moves is what has `other_host_id`, which is written when the target is chosen, so a restarted manager counts the
same. A migration waits in its first step, since only there its hosts are known.
"""

from __future__ import annotations

from dataclasses import dataclass

from altus.manager.store import tasks as task_rows
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, VM
from altus.model.migration import MigrationFacts
from altus.model.migration_slots import adapted
from altus.model.task import StepState, Task, TaskState
from altus.model.vm import Vm


@dataclass(frozen=True)
class Full:
    """A host has as many as it bears; `position` counts from 1, those that began to wait before it first."""

    host: str
    limit: int
    position: int

    def __str__(self) -> str:
        return f"Waiting for its turn: number {self.position}; host {self.host} moves {self.limit} VMs at once"


def moving(tx: Tx, host_id: str, without: str = "") -> int:
    """How many VMs, but for one, are on their way from or to a host."""
    columns = VM.table.c
    there = (columns.host_id == host_id) | (columns.other_host_id == host_id)
    return sum(vm.id != without for vm in VM.all(tx, columns.other_host_id.is_not(None), there))


def full(tx: Tx, task: Task, vm: Vm, target_id: str) -> Full | None:
    """What a VM must wait for before it may move there; None if it may now."""
    ahead = _ahead(tx, task, vm)
    for host_id, before in ((vm.host_id or "", ahead), (target_id, 0)):
        host = HOST.get(tx, host_id)
        if moving(tx, host_id, vm.id) + before >= host.migrations:
            return Full(host.name, host.migrations, ahead + 1)
    return None


def _ahead(tx: Tx, task: Task, vm: Vm) -> int:
    """How many that are to leave the same host have waited for longer."""
    waiting = {
        other.object_id for other in task_rows.begun(tx)
        if other.kind == task.kind and other.seq < task.seq and other.state is TaskState.RUNNING
        and other.trail[-1].name == task.trail[-1].name and other.trail[-1].state is StepState.RUNNING
    }  # fmt: skip
    columns = VM.table.c
    same = VM.all(tx, columns.host_id == vm.host_id, columns.other_host_id.is_(None), columns.id.in_(waiting))
    return len(same)


def adapt(tx: Tx, vm_id: str, host_ids: tuple[str, str], facts: MigrationFacts) -> None:
    """Let the hosts bear more or fewer after a VM has moved, which still counts."""
    for host_id in host_ids:
        host = HOST.peek(tx, host_id)
        if host is None:
            continue
        limit = adapted(host.migrations, moving(tx, host_id, vm_id) + 1, facts)
        if limit != host.migrations:
            HOST.change(tx, host_id, migrations=limit)
