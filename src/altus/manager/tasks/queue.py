"""The unfinished tasks in memory: who waits for whom, and who may start next. Pure: no clock, no database."""

from __future__ import annotations

import heapq

from altus.model.locks import LockTable, Order
from altus.model.task import Task, TaskState


class Queue:
    """At most `max_running` tasks start on their own account; children are let through, since their parents wait."""

    def __init__(self, max_running: int) -> None:
        self._max_running = max_running
        self._locks = LockTable()
        self._orders: dict[str, Order] = {}
        self._waiting: dict[str, Task] = {}
        self._running: set[str] = set()
        self._roots: list[tuple[Order, str]] = []
        self._children: list[tuple[Order, str]] = []

    def add(self, task: Task) -> None:
        """Take in a task, after its parent; one that had begun already holds its locks again."""
        order = (*self._orders.get(task.parent_id or "", ()), task.seq)
        self._orders[task.id] = order
        self._locks.add(task.id, order, task.locks)
        if task.state is TaskState.QUEUED:
            self._waiting[task.id] = task
            self._consider(task.id)
        else:
            self._locks.take(task.id)
            self._running.add(task.id)

    def next(self) -> Task | None:
        """The first task that may start; it holds its locks from now on. None if nothing may start now."""
        task = self._pop(self._children)
        if task is None and len(self._running) < self._max_running:
            task = self._pop(self._roots)
        if task is not None:
            self._locks.take(task.id)
            self._leave(task.id)
        return task

    def withdraw(self, task_id: str) -> Task | None:
        """Let a waiting task go ahead without its locks, because it will do nothing but end; None if it waits not."""
        task = self._waiting.get(task_id)
        if task is not None:
            self._leave(task_id)
        return task

    def end(self, task_id: str) -> None:
        """Forget a task which is not waiting any more, and let go of its locks."""
        self._orders.pop(task_id, None)
        self._running.discard(task_id)
        for neighbour in self._locks.release(task_id):
            self._consider(neighbour)

    def blockers(self, task_id: str) -> list[str]:
        """Tasks which must end before this one may start, in order."""
        return self._locks.blockers(task_id) if task_id in self._waiting else []

    def deadlocks(self, task_id: str) -> bool:
        """Whether this waiting task could never start (see `altus.model.locks`)."""
        return task_id in self._waiting and self._locks.deadlocks(task_id)

    def _consider(self, task_id: str) -> None:
        if task_id in self._waiting and not self._locks.is_blocked(task_id):
            order = self._orders[task_id]
            heapq.heappush(self._roots if len(order) == 1 else self._children, (order, task_id))

    def _pop(self, heap: list[tuple[Order, str]]) -> Task | None:
        while heap:
            _, task_id = heapq.heappop(heap)
            if task_id in self._waiting and not self._locks.is_blocked(task_id):
                return self._waiting[task_id]
        return None

    def _leave(self, task_id: str) -> None:
        del self._waiting[task_id]
        self._running.add(task_id)
