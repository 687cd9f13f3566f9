"""Snapshot schedules. Who makes one may take and delete snapshots of every VM of its project."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from altus.common.errors import InvalidInput
from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.lookup import project_for, visible, visible_page
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import SNAPSHOT_SCHEDULE, VM
from altus.manager.tasks.snapshot_schedule_run import SNAPSHOT_SCHEDULE_RUN, SnapshotScheduleRun
from altus.manager.tasks.snapshot_schedule_tasks import (
    SNAPSHOT_SCHEDULE_CREATE,
    SNAPSHOT_SCHEDULE_DELETE,
    SNAPSHOT_SCHEDULE_EDIT,
    SnapshotScheduleChoice,
    SnapshotScheduleEdit,
    SnapshotScheduleMake,
)
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page
from altus.model.resource import utc_now
from altus.model.snapshot_schedule import SnapshotSchedule
from altus.model.snapshot_schedule_retention import Retention
from altus.wire import snapshot_schedules as wire


class SnapshotScheduleService:
    """Of which VMs snapshots are taken by themselves, when, and which are kept."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def get(self, actor: Actor, reference: str) -> SnapshotSchedule:
        """By id or name."""
        return await self.db.read(lambda tx: _find(tx, actor, reference))

    async def page(self, actor: Actor, query: ListQuery) -> Page[SnapshotSchedule]:
        """A page of those the actor may see."""
        return await self.db.read(
            lambda tx: visible_page(tx, actor, SNAPSHOT_SCHEDULE, query, Permission.SNAPSHOT_READ)
        )

    async def create(self, actor: Actor, body: wire.SnapshotScheduleCreate) -> Change[SnapshotScheduleMake]:
        """A new one. `InvalidInput` (`snapshot_schedule.other_project`) for a VM of another project."""

        def draft(tx: Tx) -> SnapshotSchedule:
            project = project_for(tx, actor, body.project, Permission.SNAPSHOT_WRITE)
            plain = body.model_dump(exclude={"project", "vms", "tags", "keep"})
            return SnapshotSchedule(id=new_id(), project_id=project, vm_ids=_vms(tx, actor, project, body.vms),
                                    tags=_once(body.tags), keep=_keep(body.keep), **plain)  # fmt: skip

        schedule = await self.db.read(draft)

        def reserve(tx: Tx) -> None:
            SNAPSHOT_SCHEDULE.require_free_name(tx, schedule)

        return _change(SNAPSHOT_SCHEDULE_CREATE, SnapshotScheduleMake(schedule=schedule), schedule, reserve)

    async def edit(self, actor: Actor, reference: str,
                   body: wire.SnapshotScheduleEdit) -> Change[SnapshotScheduleEdit]:  # fmt: skip
        """Change one, or have it begin or end to come by itself."""
        schedule = await self._to_change(actor, reference)

        def draft(tx: Tx) -> SnapshotScheduleEdit:
            plain = body.model_dump(exclude={"vms", "tags", "keep"})
            vms = None if body.vms is None else _vms(tx, actor, schedule.project_id, body.vms)
            return SnapshotScheduleEdit(schedule_id=schedule.id, vm_ids=vms,
                                        tags=None if body.tags is None else _once(body.tags),
                                        keep=None if body.keep is None else _keep(body.keep), **plain)  # fmt: skip

        return _change(SNAPSHOT_SCHEDULE_EDIT, await self.db.read(draft), schedule)

    async def run(self, actor: Actor, reference: str) -> Change[SnapshotScheduleRun]:
        """Have it done now, whether it is enabled or not."""
        return run_of(await self._to_change(actor, reference), utc_now())

    async def delete(self, actor: Actor, reference: str) -> Change[SnapshotScheduleChoice]:
        """Remove one; what it has taken stays."""
        schedule = await self._to_change(actor, reference)
        return _change(SNAPSHOT_SCHEDULE_DELETE, SnapshotScheduleChoice(schedule_id=schedule.id), schedule)

    async def _to_change(self, actor: Actor, reference: str) -> SnapshotSchedule:
        """A right to the schedule alone is not enough: what it does it does to VMs of the project."""
        schedule = await self.get(actor, reference)
        actor.require(Permission.SNAPSHOT_WRITE, project_id=schedule.project_id)
        return schedule


def run_of(schedule: SnapshotSchedule, due_at: datetime, by_itself: bool = False) -> Change[SnapshotScheduleRun]:
    """The change by which a schedule is done for a time, which is dealt with then if it has come `by_itself`."""

    def reserve(tx: Tx) -> None:
        if by_itself:
            SNAPSHOT_SCHEDULE.change(tx, schedule.id, since=due_at)

    return _change(SNAPSHOT_SCHEDULE_RUN, SnapshotScheduleRun(schedule_id=schedule.id, due_at=due_at), schedule,
                   reserve)  # fmt: skip


def _change(kind: Any, arguments: Any, schedule: SnapshotSchedule, reserve: Any = lambda _tx: None) -> Change[Any]:
    return Change(kind=kind, arguments=arguments, object_id=schedule.id, object_name=schedule.name,
                  project_id=schedule.project_id, reserve=reserve)  # fmt: skip


def _find(tx: Tx, actor: Actor, reference: str) -> SnapshotSchedule:
    return visible(tx, actor, SNAPSHOT_SCHEDULE, reference, Permission.SNAPSHOT_READ)


def _vms(tx: Tx, actor: Actor, project_id: str, references: Sequence[str]) -> tuple[str, ...]:
    """Their ids; those of another project are the business of a schedule there."""
    found = [visible(tx, actor, VM, reference, Permission.VM_READ) for reference in references]
    for vm in found:
        if vm.project_id != project_id:
            raise InvalidInput(f"VM {vm.name} is in another project than the schedule.",
                               code="snapshot_schedule.other_project",
                               hint="Make a schedule in its project.")  # fmt: skip
    return _once([vm.id for vm in found])


def _once(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _keep(body: wire.RetentionShape) -> Retention:
    return Retention(**body.model_dump())
