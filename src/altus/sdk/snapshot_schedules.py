"""Snapshot schedules."""

from __future__ import annotations

from altus.sdk.changes import Change
from altus.sdk.resources import Resources
from altus.wire.snapshot_schedules import SnapshotScheduleCreate, SnapshotScheduleEdit, SnapshotScheduleView


class SnapshotSchedules(Resources[SnapshotScheduleView]):
    """`/snapshot-schedules`."""

    path = "/snapshot-schedules"
    view = SnapshotScheduleView

    def create(self, body: SnapshotScheduleCreate) -> Change:
        """Have snapshots taken and deleted by themselves."""
        return self._change("POST", self.path, body)

    def edit(self, schedule: str, body: SnapshotScheduleEdit) -> Change:
        """Change one, enable or disable it."""
        return self._change("PATCH", self._one(schedule), body)

    def run(self, schedule: str) -> Change:
        """Have it done now."""
        return self._change("POST", self._one(schedule, "run"))

    def delete(self, schedule: str) -> Change:
        """Remove it; what it has taken stays."""
        return self._change("DELETE", self._one(schedule))
