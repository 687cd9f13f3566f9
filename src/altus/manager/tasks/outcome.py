"""What a task's error says about the thing it was about."""

from __future__ import annotations

from altus.model.task import Task


def refused(task: Task) -> bool:
    """Whether the host left the thing as it is because something uses it (`volume.in_use`, `image.in_use`)."""
    return str((task.error or {}).get("code", "")).endswith(".in_use")
