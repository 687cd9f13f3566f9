"""Tasks that a step starts and waits for."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from altus.common.errors import Cancelled
from altus.manager.store import lease as leases
from altus.manager.store import tasks as rows
from altus.manager.store.database import Database, Tx
from altus.manager.store.signal import Signal
from altus.model.task import Task

Reserve = Callable[[Tx, Task], None]
"""Writes what a task needs to be there, in the transaction that submits it."""


def nothing(_tx: Tx, _task: Task) -> None:
    """Most children find there what they need."""


@dataclass(frozen=True)
class Children:
    """`finished` is set whenever a task ends, `wake` tells the engine of new ones; it polls besides."""

    db: Database
    finished: Signal
    wake: Callable[[], None]
    poll_seconds: float

    async def run(self, parent: Task, children: list[Task], limit: int, cancelled: Callable[[], bool],
                  reserve: Reserve = nothing) -> list[Task]:  # fmt: skip
        """Submit tasks of a parent, at most `limit` unfinished at once, and wait for all of them.

        When the parent is cancelled no more are submitted and those which run are cancelled too: `Cancelled` once they
        have ended, unless all had been submitted.
        """
        waiting, active, asked, ended = deque(children), set[str](), set[str](), dict[str, Task]()
        while waiting or active:
            if cancelled():
                waiting.clear()
                await self._cancel(active - asked)
                asked |= active
            while waiting and len(active) < limit:
                active.add(await self._submit(parent, waiting.popleft(), reserve))
            seen = self.finished.count
            for task in await self._ended(active):
                active.discard(task.id)
                ended[task.id] = task
            if active and (not waiting or len(active) >= limit):
                await self.finished.wait(seen, self.poll_seconds)
        if len(ended) < len(children):
            raise Cancelled("The task was cancelled before all of its parts had begun.", code="task.cancelled")
        return [ended[child.id] for child in children]

    async def _submit(self, parent: Task, child: Task, reserve: Reserve) -> str:
        own = dataclasses.replace(child, parent_id=parent.id)

        def work(tx: Tx) -> None:
            leases.fence(tx, parent.epoch)
            if rows.peek(tx, own.id) is None:
                reserve(tx, own)
                rows.insert(tx, own)

        await self.db.write(work)
        self.wake()
        return own.id

    async def _cancel(self, task_ids: set[str]) -> None:
        def work(tx: Tx) -> None:
            for task_id in task_ids:
                rows.request_cancel(tx, task_id)

        if task_ids:
            await self.db.write(work)
            self.wake()

    async def _ended(self, task_ids: set[str]) -> list[Task]:
        found = await self.db.read(lambda tx: rows.peek_all(tx, task_ids))
        return [task for task in found if task.state.finished]
