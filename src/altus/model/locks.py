"""The queue before every resource: who may start, who waits, and for whom. Pure: no clock, no input or output.

All locks of a task are taken together and only when all are free, so no task holds one while it waits for another, and
claims are served in order, so none starves. Only a parent holds locks while it waits: for its children. Where these
need what another parent holds, whose children need what the first one holds, nobody could ever go on: `deadlocks` finds
the child that would close such a circle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from altus.model.task import Lock, LockMode

Order = tuple[int, ...]
"""A task's place in the queue: its number, behind those of its ancestors, so that children come right after them."""


@dataclass
class _Claimant:
    order: Order
    locks: tuple[Lock, ...]
    held: bool = False


class LockTable:
    """Claims of all unfinished tasks."""

    def __init__(self) -> None:
        self._tasks: dict[str, _Claimant] = {}
        self._claims: dict[str, dict[str, LockMode]] = defaultdict(dict)
        self._exclusive: dict[str, int] = defaultdict(int)
        self._children: dict[Order, set[str]] = defaultdict(set)

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._tasks

    def add(self, task_id: str, order: Order, locks: Iterable[Lock]) -> None:
        """Queue a task's claims; where it names a resource twice, the exclusive claim counts."""
        strongest: dict[str, LockMode] = {}
        for lock in sorted(locks, reverse=True):
            if strongest.get(lock.resource) is not LockMode.EXCLUSIVE:
                strongest[lock.resource] = lock.mode
        self._tasks[task_id] = _Claimant(order, tuple(Lock(*item) for item in sorted(strongest.items())))
        self._children[order[:-1]].add(task_id)
        for resource, mode in strongest.items():
            self._claims[resource][task_id] = mode
            self._exclusive[resource] += mode is LockMode.EXCLUSIVE

    def take(self, task_id: str) -> None:
        """Let the task hold its locks from now on (a task found running after a restart holds them already)."""
        self._tasks[task_id].held = True

    def release(self, task_id: str) -> list[str]:
        """Forget the task; returns the waiting tasks which it may have kept from starting, in order."""
        claimant = self._tasks.pop(task_id, None)
        if claimant is None:
            return []
        siblings = self._children[claimant.order[:-1]]
        siblings.discard(task_id)
        if not siblings:
            del self._children[claimant.order[:-1]]
        neighbours: set[str] = set()
        for lock in claimant.locks:
            claims = self._claims[lock.resource]
            del claims[task_id]
            self._exclusive[lock.resource] -= lock.mode is LockMode.EXCLUSIVE
            if lock.mode is LockMode.EXCLUSIVE:
                neighbours.update(claims)
            elif self._exclusive[lock.resource]:  # others that share it, often thousands, did not wait for this one
                neighbours.update(other for other, mode in claims.items() if mode is LockMode.EXCLUSIVE)
            if not claims:
                del self._claims[lock.resource], self._exclusive[lock.resource]
        waiting = (other for other in neighbours if not self._tasks[other].held)
        return sorted(waiting, key=lambda other: self._tasks[other].order)

    def is_blocked(self, task_id: str) -> bool:
        """Whether the task must wait for another one."""
        return next(self._in_the_way(task_id), None) is not None

    def blockers(self, task_id: str) -> list[str]:
        """Tasks which must end before this one may start, in order; empty when it may start now."""
        return sorted(set(self._in_the_way(task_id)), key=lambda other: self._tasks[other].order)

    def deadlocks(self, task_id: str) -> bool:
        """Whether this waiting task waits, through others and their children, for its own end."""
        seen: set[str] = set()
        pending = list(self._in_the_way(task_id))
        while pending:
            other = pending.pop()
            if other == task_id:
                return True
            if other not in seen:
                seen.add(other)
                pending += self._children.get(self._tasks[other].order, ()) if self._tasks[other].held else ()
                pending += () if self._tasks[other].held else self._in_the_way(other)
        return False

    def _in_the_way(self, task_id: str) -> Iterator[str]:
        me = self._tasks[task_id]
        for lock in me.locks:
            if lock.mode is LockMode.SHARED and not self._exclusive[lock.resource]:
                continue
            for other, mode in self._claims[lock.resource].items():
                if other != task_id and LockMode.EXCLUSIVE in (mode, lock.mode) and self._before(other, me):
                    yield other

    def _before(self, other_id: str, me: _Claimant) -> bool:
        other = self._tasks[other_id]
        if other.order == me.order[: len(other.order)]:
            return False  # an ancestor waits for its descendants, never the other way round
        return other.held or other.order < me.order
