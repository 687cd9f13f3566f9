"""Snapshots on the public API."""

from __future__ import annotations

from datetime import datetime

from altus.model.snapshot import SnapshotDisk, SnapshotState
from altus.wire.base import ActionView, Flag, Name, ResourceView, Shape, Text, example


class SnapshotCreate(Shape):
    """A new snapshot of a VM's disks. `quiesce`: the agent of a running guest has file systems written out before;
    without it, the disks are as after a power cut. Of a VM that is off it means nothing."""

    model_config = example(name="before-upgrade", description="Version 3 works.")

    name: Name
    description: Text = ""
    quiesce: Flag = False


class SnapshotView(ResourceView):
    """A snapshot; `parent_id` is the one on which the VM stood when it was taken, `current` says that the VM stands on
    it now. `vcpus` and `memory` (bytes) are what the VM had. What a schedule took, for the time
    `due_at`, it may delete."""

    vm_id: str
    parent_id: str | None
    state: SnapshotState
    description: str
    current: bool
    disks: list[SnapshotDisk]
    vcpus: int
    memory: int
    schedule_id: str | None
    due_at: datetime | None
    allowed_actions: dict[str, ActionView]
