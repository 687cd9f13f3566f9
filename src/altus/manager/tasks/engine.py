"""The task engine: holds the lease, keeps the queue, runs what may run. See docs/architecture.md "Tasks"."""

from __future__ import annotations

import asyncio
import dataclasses
import heapq
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from altus.common.errors import AltusError, Unavailable
from altus.manager.store import lease as leases
from altus.manager.store import tasks as rows
from altus.manager.store.database import LeaseLostError, Tx
from altus.manager.store.events import Signal
from altus.manager.store.lease import Lease
from altus.manager.tasks.declare import TaskType
from altus.manager.tasks.execution import Execution
from altus.manager.tasks.observer import Observer, trace
from altus.manager.tasks.run import Run, World
from altus.model.locks import LockTable, Order
from altus.model.task import Task, TaskState

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """`holder` names this manager in the lease; `sole` says that no other manager can live (SQLite), so that a lease
    left by a dead process is taken at once. Times in seconds."""

    holder: str
    sole: bool
    lease_seconds: float = 5.0
    poll_seconds: float = 0.5
    max_running: int = 64
    progress_seconds: float = 1.0


class Engine:
    """Runs tasks while this manager has the lease."""

    def __init__(self, world: World, kinds: Mapping[str, TaskType[Any]], settings: EngineSettings,
                 observer: Observer = trace) -> None:  # fmt: skip
        self.world = world
        self.kinds = kinds
        self.settings = settings
        self.lease: Lease | None = None
        self.finished = Signal()
        self._observer = observer
        self._wake = asyncio.Event()
        self._reset()

    def wake(self) -> None:
        """There is something new in the database."""
        self._wake.set()

    async def run(self) -> None:
        """Compete for the lease and serve while it lasts, until cancelled. Then running tasks stay as they are: the
        next holder goes on with them."""
        while True:
            try:
                self.lease = await self._acquire()
                if self.lease is not None:
                    _log.info("lease taken", epoch=self.lease.epoch)
                    await self._serve(self.lease)
            except Unavailable as error:
                _log.warning("lease lost", error=error.message)
            finally:
                self.lease = None
                await self._stop_running()
            await self._sleep(self.settings.poll_seconds)

    async def resign(self) -> None:
        """Give the lease up at an orderly stop, so that another manager need not wait for its end."""
        lease = self.lease
        if lease is not None:
            await self.world.db.write(lambda tx: leases.give_up(tx, lease))

    async def run_children(self, parent: Task, children: list[Task], limit: int) -> list[Task]:
        """Submit tasks of a parent, at most `limit` unfinished at once, and wait for all of them."""
        waiting, active, ended = list(reversed(children)), set[str](), dict[str, Task]()
        while len(ended) < len(children):
            while waiting and len(active) < limit:
                child = dataclasses.replace(waiting.pop(), parent_id=parent.id)
                await self.world.db.write(lambda tx, child=child: rows.insert(tx, child))  # type: ignore[misc]
                active.add(child.id)
                self.wake()
            seen = self.finished.count
            for task_id in list(active):
                task = await self.world.db.read(lambda tx, task_id=task_id: rows.get(tx, task_id))  # type: ignore[misc]
                if task.state.finished:
                    active.discard(task_id)
                    ended[task_id] = task
            if len(ended) < len(children) and len(active) >= min(limit, len(active) + len(waiting)):
                await self.finished.wait(seen, self.settings.poll_seconds)
        return [ended[child.id] for child in children]

    def report(self, task_id: str, share: float | None, message: str) -> None:
        """A step's progress: kept in memory, stored at most once in `progress_seconds`."""
        execution = self._executions.get(task_id)
        if execution is None:
            return
        progress = execution.task.progress
        if share is not None and not execution.run.undoing:
            done, total = max(len(execution.task.trail) - 1, 0), len(execution.kind.steps)
            progress = min((done + max(0.0, min(share, 1.0))) / total, 0.999)
        task = dataclasses.replace(execution.task, progress=progress, waiting_for=message)
        execution.run.task = task
        now = time.monotonic()
        if now - self._reported.get(task_id, 0.0) >= self.settings.progress_seconds:
            self._reported[task_id] = now
            self._spawn(self._save_progress(task))

    # Lease

    async def _acquire(self) -> Lease | None:
        holder, seconds, force = self.settings.holder, self.settings.lease_seconds, self.settings.sole
        return await self.world.db.write(lambda tx: leases.acquire(tx, holder, seconds, force=force))

    async def _serve(self, lease: Lease) -> None:
        renewal = asyncio.create_task(self._renew(lease), name="lease")
        scheduling = asyncio.create_task(self._schedule(), name="schedule")
        try:
            done, _ = await asyncio.wait({renewal, scheduling}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (renewal, scheduling):
                task.cancel()
            await asyncio.gather(renewal, scheduling, return_exceptions=True)

    async def _renew(self, lease: Lease) -> None:
        """Prolong the lease three times in its length; give up when it could not be prolonged for that long."""
        seconds, renewed = self.settings.lease_seconds, time.monotonic()
        while not self._lost.is_set():
            await _wait_event(self._lost, seconds / 3)
            try:
                await self.world.db.write(lambda tx: leases.renew(tx, lease, seconds))
                renewed = time.monotonic()
            except LeaseLostError:
                raise
            except Unavailable:
                if time.monotonic() - renewed > seconds:
                    raise
        raise LeaseLostError("Another manager has taken over the tasks.")

    # Queue

    def _reset(self) -> None:
        self._lost = asyncio.Event()
        self._locks = LockTable()
        self._orders: dict[str, Order] = {}
        self._queued: dict[str, Task] = {}
        self._ready: list[tuple[Order, str]] = []
        self._executions: dict[str, Execution] = {}
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._reported: dict[str, float] = {}
        self._helpers: set[asyncio.Task[None]] = set()
        self._last_seq = 0

    async def _schedule(self) -> None:
        while True:
            self._wake.clear()
            for task in await self.world.db.read(lambda tx: rows.unfinished(tx, self._last_seq)):
                self._adopt(task)
            for task_id in await self.world.db.read(rows.cancel_requests):
                await self._cancel(task_id)
            self._pump()
            await _wait_event(self._wake, self.settings.poll_seconds)

    def _adopt(self, task: Task) -> None:
        self._last_seq = max(self._last_seq, task.seq)
        order = (*self._orders.get(task.parent_id or "", ()), task.seq)
        self._orders[task.id] = order
        self._locks.add(task.id, order, task.locks)
        if task.state is TaskState.QUEUED:
            self._queued[task.id] = task
            self._consider(task.id)
        else:
            self._start(task)

    def _consider(self, task_id: str) -> None:
        if task_id in self._queued and not self._locks.blockers(task_id):
            heapq.heappush(self._ready, (self._orders[task_id], task_id))

    def _pump(self) -> None:
        held_back: list[tuple[Order, str]] = []
        while self._ready:
            order, task_id = heapq.heappop(self._ready)
            if task_id not in self._queued or self._locks.blockers(task_id):
                continue
            if len(self._jobs) >= self.settings.max_running and len(order) == 1:
                held_back.append((order, task_id))  # children are let through: their parents wait for them
                continue
            self._start(self._queued.pop(task_id))
        self._ready = held_back
        heapq.heapify(self._ready)

    async def _cancel(self, task_id: str) -> None:
        queued = self._queued.pop(task_id, None)
        if queued is not None:
            self._start(dataclasses.replace(queued, cancel_requested=True))
        elif task_id in self._executions and not self._executions[task_id].cancel_requested:
            self._spawn(self._executions[task_id].cancel())

    # Running

    def _start(self, task: Task) -> None:
        if self.lease is None:
            return
        if task.state is not TaskState.QUEUED or not task.cancel_requested:
            self._locks.take(task.id)
        task = dataclasses.replace(task, epoch=self.lease.epoch)
        kind = self.kinds[task.kind]
        run: Run[Any] = Run(task, kind.load(task.arguments), self.world, self)
        self._executions[task.id] = Execution(run, kind, self._save, self._observer)
        self._jobs[task.id] = asyncio.create_task(self._work(task.id), name=f"task {task.kind} {task.id}")

    async def _work(self, task_id: str) -> None:
        try:
            task = await self._executions[task_id].go()
            _log.info("task ended", task=task.id, kind=task.kind, state=task.state, error=task.error)
        except LeaseLostError:
            self._lost.set()
            return
        except AltusError:
            _log.exception("task interrupted", task=task_id)
            self._lost.set()
            return
        finally:
            self._jobs.pop(task_id, None)
            self._executions.pop(task_id, None)
            self._reported.pop(task_id, None)
        self._orders.pop(task_id, None)
        for neighbour in self._locks.release(task_id):
            self._consider(neighbour)
        self.finished.set()
        self._pump()

    async def _save(self, task: Task, writes: Sequence[Callable[[Tx], Any]]) -> None:
        """Write the task and what belongs to it under the lease; wait while the database is away."""

        def work(tx: Tx) -> None:
            leases.fence(tx, task.epoch)
            rows.save(tx, task)
            for write in writes:
                write(tx)

        while True:
            try:
                await self.world.db.write(work)
            except LeaseLostError:
                raise
            except Unavailable:
                if self._lost.is_set():
                    raise
                await self._sleep(self.settings.poll_seconds)
            else:
                return

    async def _save_progress(self, task: Task) -> None:
        """Tried once only, so that it can never overwrite what is saved later."""

        def work(tx: Tx) -> None:
            leases.fence(tx, task.epoch)
            rows.save_progress(tx, task)

        await self.world.db.write(work)

    async def _stop_running(self) -> None:
        jobs = [*self._jobs.values(), *self._helpers]
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        self._reset()

    def _spawn(self, work: Any) -> None:
        helper = asyncio.create_task(work)
        self._helpers.add(helper)
        helper.add_done_callback(self._helped)

    def _helped(self, helper: asyncio.Task[None]) -> None:
        self._helpers.discard(helper)
        error = None if helper.cancelled() else helper.exception()
        if isinstance(error, LeaseLostError):
            self._lost.set()
        elif error is not None:
            _log.warning("side work failed", error=str(error))

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _wait_event(event: asyncio.Event, timeout: float) -> None:
    try:
        async with asyncio.timeout(timeout):
            await event.wait()
    except TimeoutError:
        pass
