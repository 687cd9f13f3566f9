"""Snapshot schedules on the public API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from altus.model.snapshot_schedule_retention import MAX_KEPT
from altus.wire.base import ActionView, Flag, Name, Reference, ResourceView, Shape, Tag, Text, View, example, printable

Cron = Annotated[str, StringConstraints(min_length=9, max_length=120), AfterValidator(printable)]
"""Five fields: minute, hour, day of the month, month, day of the week."""
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(printable)]
"""The name of a time zone, such as Europe/Berlin."""
Count = Annotated[int, Field(ge=0, le=MAX_KEPT, strict=True)]
References = Annotated[list[Reference], Field(max_length=1000)]
Tags = Annotated[list[Tag], Field(max_length=64)]


class RetentionShape(Shape):
    """What is kept of each VM: the `last` so many, and the last one of each of so many hours, days, weeks and months
    that have any; 1 to 23 in all."""

    model_config = example(last=3, daily=7, weekly=4)

    last: Count = 0
    hourly: Count = 0
    daily: Count = 0
    weekly: Count = 0
    monthly: Count = 0


class SnapshotScheduleCreate(Shape):
    """A new schedule. It covers the `vms` named and those with one of the `tags`, all of its project. `cron` counts in
    `timezone`. `quiesce`: agents of running guests have file systems written out before."""

    model_config = example(name="nightly", cron="30 2 * * *", timezone="Europe/Berlin", tags=["production"],
                           keep={"daily": 7, "weekly": 4})  # fmt: skip

    name: Name
    project: Reference | None = None
    description: Text = ""
    cron: Cron
    timezone: Zone = "UTC"
    vms: References = []
    tags: Tags = []
    quiesce: Flag = False
    keep: RetentionShape
    enabled: Flag = True


class SnapshotScheduleEdit(Shape):
    """Fields to change; what is left out stays. `vms`, `tags` and `keep` take the place of those that were there. Times
    that passed while it was disabled do not count as missed."""

    model_config = example(enabled=False)

    name: Name | None = None
    description: Text | None = None
    cron: Cron | None = None
    timezone: Zone | None = None
    vms: References | None = None
    tags: Tags | None = None
    quiesce: Flag | None = None
    keep: RetentionShape | None = None
    enabled: Flag | None = None


class RetentionView(View):
    """What is kept of each VM."""

    last: int
    hourly: int
    daily: int
    weekly: int
    monthly: int


class ScheduleVmView(View):
    """What a run did for a VM: the `snapshot` taken, those `deleted`, those `waiting` to be deleted and `why` they
    wait; `errors` as sentences."""

    vm_id: str
    vm_name: str
    snapshot: str
    deleted: list[str]
    waiting: list[str]
    why: str
    errors: list[str]


class ScheduleRunView(View):
    """A run that has ended, for the time `due_at`; with an `error` it did not come to its end."""

    task_id: str
    due_at: datetime
    ended_at: datetime
    results: list[ScheduleVmView]
    error: str


class SkippedTimeView(View):
    """A time at which nothing was taken, and why."""

    due_at: datetime
    reason: str


class SnapshotScheduleView(ResourceView):
    """A snapshot schedule; it comes next at `next_at`, never while it is disabled. `skipped` is the last time that
    passed without a run."""

    description: str
    cron: str
    timezone: str
    vm_ids: list[str]
    tags: list[str]
    quiesce: bool
    keep: RetentionView
    enabled: bool
    next_at: datetime | None
    last_run: ScheduleRunView | None
    skipped: SkippedTimeView | None
    allowed_actions: dict[str, ActionView]
