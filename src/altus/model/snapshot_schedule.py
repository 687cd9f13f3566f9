"""Snapshot schedules: of which VMs snapshots are taken, when, and which of them are kept.

What a snapshot belongs to is in the snapshot itself (`schedule_id`, `due_at`), never in its name: those that people
take are not a schedule's, whatever they are called.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from altus.common.errors import InvalidInput
from altus.common.ids import derived_id
from altus.model.resource import Resource, utc_now
from altus.model.snapshot import Snapshot, SnapshotState
from altus.model.snapshot_schedule_retention import Retention, expired, require_retention
from altus.model.snapshot_schedule_times import is_set_back, latest_time, next_times, require_times, zone_of
from altus.model.vm import Vm, VmState

_NOT_YET = (VmState.CREATING, VmState.DELETING, VmState.FAILED)
_LONGEST_STEM = 46  # of a snapshot's name, before the time


@dataclass(frozen=True, kw_only=True)
class VmResult:
    """What a run did for a VM: the snapshot taken, those deleted, those that should go but wait and `why`; `errors` are
    sentences."""

    vm_id: str
    vm_name: str
    snapshot: str = ""
    deleted: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    why: str = ""
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ScheduleRun:
    """A run that has ended; `error` if it did not come to its end."""

    task_id: str
    due_at: datetime
    ended_at: datetime
    results: tuple[VmResult, ...] = ()
    error: str = ""

    @property
    def failures(self) -> list[VmResult]:
        """VMs for which something went wrong."""
        return [one for one in self.results if one.errors]


@dataclass(frozen=True, kw_only=True)
class SkippedTime:
    """A time at which nothing was taken."""

    due_at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class SnapshotSchedule(Resource):
    """Covers the VMs named and those of its project with one of the tags. `cron` counts in `timezone`. Times up to
    `since` are dealt with."""

    description: str = ""
    cron: str
    timezone: str = "UTC"
    vm_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    quiesce: bool = False
    keep: Retention = field(default_factory=Retention)
    enabled: bool = True
    since: datetime = field(default_factory=utc_now)
    last_run: ScheduleRun | None = None
    skipped: SkippedTime | None = None

    def covers(self, vm: Vm) -> bool:
        """Whether a run takes a snapshot of the VM."""
        named = vm.id in self.vm_ids or not set(self.tags).isdisjoint(vm.tags)
        return named and vm.project_id == self.project_id and vm.state not in _NOT_YET

    def due(self, now: datetime) -> datetime | None:
        """The time for which a run is to begin now, if there is one: the latest of those that have come."""
        return latest_time(self.cron, self.timezone, self.since, now) if self.enabled else None

    def is_set_back(self, now: datetime) -> bool:
        """Whether the clock was set back behind times that are dealt with."""
        return is_set_back(self.cron, self.timezone, self.since, now)

    def next_times(self, now: datetime, count: int) -> list[datetime]:
        """When it comes; nothing while it is disabled."""
        return next_times(self.cron, self.timezone, now, count) if self.enabled else []

    def expired(self, snapshots: Iterable[Snapshot], now: datetime, taken: datetime | None = None) -> list[Snapshot]:
        """Which of a VM's snapshots are to go, the oldest first, if one of the time `taken` comes to them. Only those
        which this schedule has taken; one that could not be made or deleted is no use and does not count."""
        own = {one.due_at: one for one in snapshots if one.schedule_id == self.id and one.due_at is not None}
        ready = {due for due, one in own.items() if one.state is SnapshotState.READY}
        gone = expired(ready | ({taken} if taken else set()), self.keep, zone_of(self.timezone), now)
        gone |= {due for due, one in own.items() if one.state is SnapshotState.FAILED}
        return [own[due] for due in sorted(gone) if due in own]


def require_sound(schedule: SnapshotSchedule) -> None:
    """`InvalidInput` (`snapshot_schedule.cron`, `.timezone`, `.keep`, `.no_vms`)."""
    require_times(schedule.cron, schedule.timezone)
    require_retention(schedule.keep)
    if not schedule.vm_ids and not schedule.tags:
        raise InvalidInput(f"Snapshot schedule {schedule.name} would have no VMs.", code="snapshot_schedule.no_vms",
                           hint="Name VMs, or tags of VMs.")  # fmt: skip


def snapshot_id_of(schedule_id: str, due_at: datetime, vm_id: str) -> str:
    """The one snapshot of a VM for a time: it cannot be taken twice."""
    return derived_id("snapshot_schedule", schedule_id, due_at.isoformat(), vm_id)


def snapshot_name(schedule: SnapshotSchedule, due_at: datetime) -> str:
    """What it is called, for people."""
    return f"{schedule.name[:_LONGEST_STEM]}-{due_at:%Y%m%dT%H%M%SZ}"


def other_name(name: str, snapshot_id: str) -> str:
    """What it is called if somebody has given that name to another one."""
    return f"{name[:54]}-{snapshot_id[:8]}"
