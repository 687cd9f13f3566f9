"""Tasks: looked at, waited for, cancelled."""

from __future__ import annotations

from collections.abc import Callable

from altus.sdk.resources import Resources
from altus.sdk.shapes import read, read_page
from altus.sdk.wait import wait
from altus.wire.base import ListView
from altus.wire.tasks import TaskView


class Tasks(Resources[TaskView]):
    """`/tasks`."""

    path = "/tasks"
    view = TaskView

    async def children(self, task_id: str) -> ListView[TaskView]:
        """The tasks which it started."""
        return read_page(TaskView, (await self._transport.call("GET", self._one(task_id, "children"))).body)

    async def cancel(self, task_id: str) -> TaskView:
        """Ask it to end; what it did is undone."""
        return read(TaskView, (await self._transport.call("POST", self._one(task_id, "cancel"), repeat=True)).body)

    async def wait(self, task_id: str, on_progress: Callable[[TaskView], None] | None = None) -> TaskView:
        """The task when it is finished, however it ended (see `changes.require_success`)."""
        return await wait(self._transport, task_id, on_progress)
