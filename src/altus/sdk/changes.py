"""Changes: asked for once, however often the connection breaks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator
from typing import Any

from pydantic import BaseModel

from altus.common.errors import Cancelled, Failed, from_dict
from altus.model.task import TaskState
from altus.sdk.shapes import read
from altus.sdk.transport import Query, Transport
from altus.sdk.wait import wait
from altus.wire.tasks import PlanView, TaskView

OnProgress = Callable[[TaskView], None]


class Change:
    """A change that has not been asked for yet: `await` it for its task, or `run()` it to its end, or only `plan()` it.

    It has an idempotency key of its own, so that awaiting the same one again gives the same task.
    """

    def __init__(self, transport: Transport, method: str, path: str, body: BaseModel | None = None,
                 query: Query = ()) -> None:  # fmt: skip
        self.key = str(uuid.uuid4())
        self._transport = transport
        self._method = method
        self._path = path
        self._body = body
        self._query = tuple(query)

    def __await__(self) -> Generator[Any, None, TaskView]:
        return self.submit().__await__()

    async def submit(self) -> TaskView:
        """Ask for it; the task that does it."""
        answer = await self._transport.call(self._method, self._path, body=self._body, query=self._query, key=self.key)
        return read(TaskView, answer.body)

    async def plan(self) -> PlanView:
        """What it would do; nothing is changed."""
        query = [*self._query, ("plan", "true")]
        answer = await self._transport.call(self._method, self._path, body=self._body, query=query, repeat=True)
        return read(PlanView, answer.body)

    async def run(self, on_progress: OnProgress | None = None) -> TaskView:
        """Ask for it and wait until it is done; what went wrong is raised."""
        task = await self.submit()
        return require_success(await wait(self._transport, task.id, on_progress))


def require_success(task: TaskView) -> TaskView:
    """The finished task itself; its error is raised, if it has one."""
    if task.error is not None:
        raise from_dict(task.error)
    if task.state is TaskState.CANCELLED:
        raise Cancelled(f"{task.title} {task.object_name} was cancelled; what it did is undone.", code="task.cancelled")
    if task.state is TaskState.FAILED:
        raise Failed(f"{task.title} {task.object_name} failed.", hint=f"See `altus task show {task.id}`.")
    return task
