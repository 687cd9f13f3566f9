"""The task engine: holds the lease, keeps the queue, runs what may run. See docs/architecture.md "Tasks"."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from altus.common.errors import AltusError, Cancelled, Conflict, Internal, Unavailable
from altus.manager.store import lease as leases
from altus.manager.store import tasks as rows
from altus.manager.store.database import LeaseLostError, Tx
from altus.manager.store.lease import Lease
from altus.manager.store.signal import Signal
from altus.manager.tasks.children import Children, Reserve
from altus.manager.tasks.declare import TaskType
from altus.manager.tasks.execution import Execution
from altus.manager.tasks.observer import Observer, trace
from altus.manager.tasks.queue import Queue
from altus.manager.tasks.run import Run, World
from altus.model.resource import utc_now
from altus.model.task import Task, TaskState

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """`holder` names this manager in the lease; `sole` says that no other manager can live (SQLite), so that a lease
    left by a dead process is taken at once. Times in seconds: `look_seconds` between questions to the database for what
    other managers queued, `first_pause` before the first repetition of what failed for a passing reason."""

    holder: str
    sole: bool
    lease_seconds: float = 5.0
    poll_seconds: float = 0.5
    look_seconds: float = 0.5
    max_running: int = 64
    progress_seconds: float = 1.0
    first_pause: float = 0.05


Duty = Callable[[Lease], Coroutine[Any, Any, None]]
"""Work that only the manager with the lease does, beside running tasks: started with it, cancelled when it is lost."""


class Engine:
    """Runs tasks, and its `duties`, while this manager has the lease."""

    def __init__(self, world: World, kinds: Mapping[str, TaskType[Any]], settings: EngineSettings,
                 observer: Observer = trace, duties: Sequence[Duty] = ()) -> None:  # fmt: skip
        self.world = world
        self.kinds = kinds
        self.settings = settings
        self.lease: Lease | None = None
        self.finished = Signal()
        self._observer = observer
        self._duties = duties
        self._wake = asyncio.Event()
        self._children = Children(world.db, self.finished, self.wake, settings.poll_seconds)
        self._last_lease: Lease | None = None
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
            except (Unavailable, LeaseLostError) as error:
                _log.warning("lease lost", error=error.message)
            except Exception:
                _log.exception("the task engine starts again after a fault of ours")
            finally:
                self.lease = None
                await self._stop_running()
            await asyncio.sleep(self.settings.poll_seconds)

    async def resign(self) -> None:
        """Give the lease up at an orderly stop, after `run` was cancelled: nobody need wait for its end."""
        lease, self._last_lease = self._last_lease, None
        if lease is None:
            return
        try:
            await self.world.db.write(lambda tx: leases.give_up(tx, lease))
        except LeaseLostError:
            _log.info("the lease was taken by another manager already")

    def blockers(self, task_id: str) -> list[str]:
        """Tasks which must end before this one may start, in order; only known to the manager with the lease."""
        return self._queue.blockers(task_id)

    async def run_children(self, parent: Task, children: list[Task], limit: int, reserve: Reserve) -> list[Task]:
        """Submit tasks of a parent, at most `limit` unfinished at once, and wait for all of them."""
        run = self._executions[parent.id].run
        return await self._children.run(parent, children, limit, lambda: run.cancelling and not run.undoing, reserve)

    def report(self, task_id: str, share: float | None, message: str, committed: bool) -> None:
        """A step's progress: kept in memory, stored at most once in `progress_seconds`, but at once when there is no
        way back any more."""
        execution = self._executions.get(task_id)
        if execution is None:
            return
        progress = execution.task.progress
        if share is not None and not execution.run.undoing:
            done, total = max(len(execution.task.trail) - 1, 0), len(execution.kind.steps)
            progress = min((done + max(0.0, min(share, 1.0))) / total, 0.999)
        told = execution.task
        task = dataclasses.replace(told, progress=progress, waiting_for=message,
                                   cancellable=told.cancellable and not committed)  # fmt: skip
        execution.run.task = task
        now = time.monotonic()
        due = now - self._reported.get(task_id, float("-inf")) >= self.settings.progress_seconds
        if due or task.cancellable is not told.cancellable:
            self._reported[task_id] = now
            self._spawn(self._save_progress(task))

    # Lease

    async def _acquire(self) -> Lease | None:
        holder, seconds, force = self.settings.holder, self.settings.lease_seconds, self.settings.sole
        own = self._last_lease
        lease = await self.world.db.write(lambda tx: leases.acquire(tx, holder, seconds, force=force, own=own))
        self._last_lease = lease or own
        return lease

    async def _serve(self, lease: Lease) -> None:
        work = [self._renew(lease), self._schedule(), *(duty(lease) for duty in self._duties)]
        loops = {asyncio.create_task(loop) for loop in work}
        try:
            done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for loop in done:
                loop.result()
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    async def _renew(self, lease: Lease) -> None:
        """Prolong the lease three times in its length; give up when it could not be prolonged for that long."""
        seconds, renewed = self.settings.lease_seconds, time.monotonic()
        while True:
            await _wait_event(self._lost, seconds / 3)
            if self._lost.is_set():
                raise LeaseLostError("Another manager has taken over the tasks.")
            try:
                await self.world.db.write(lambda tx: leases.renew(tx, lease, seconds))
                renewed = time.monotonic()
            except Unavailable:
                if time.monotonic() - renewed > seconds:
                    raise

    # Queue

    def _reset(self) -> None:
        self._lost = asyncio.Event()
        self._queue = Queue(self.settings.max_running)
        self._executions: dict[str, Execution] = {}
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._reported: dict[str, float] = {}
        self._helpers: set[asyncio.Task[None]] = set()
        self._last_seq = 0

    async def _schedule(self) -> None:
        while True:
            self._wake.clear()
            try:
                for task in await self.world.db.read(lambda tx: rows.unfinished(tx, self._last_seq)):
                    self._adopt(task)
                self._pump()
                for task_id in await self.world.db.read(rows.cancel_requests):
                    self._cancel(task_id)
            except Unavailable as error:  # whether the lease is lost is for its renewal to find out
                _log.warning("tasks cannot be read now", error=error.message)
            await _wait_event(self._wake, self.settings.look_seconds)

    def _adopt(self, task: Task) -> None:
        self._last_seq = max(self._last_seq, task.seq)
        self._queue.add(task)
        if task.state is not TaskState.QUEUED:
            self._start(task)
        elif task.cancel_requested:
            self._cancel(task.id)
        elif self._queue.deadlocks(task.id):
            self._refuse(task.id, Conflict("It would wait for a task that waits for it.", code="task.deadlock",
                                           hint="Repeat it when the other task has ended."))  # fmt: skip

    def _pump(self) -> None:
        while (task := self._queue.next()) is not None:
            self._start(task)

    def _cancel(self, task_id: str) -> None:
        execution = self._executions.get(task_id)
        if execution is None:
            self._refuse(task_id, Cancelled("The task was cancelled before it began.", code="task.cancelled"))
        elif not execution.cancel_requested:
            self._spawn(execution.cancel())
            self.finished.set()  # a parent that waits for its children looks up

    def _refuse(self, task_id: str, refusal: AltusError) -> None:
        waiting = self._queue.withdraw(task_id)
        if waiting is not None:
            self._start(waiting, refusal)

    # Running

    def _start(self, task: Task, refusal: AltusError | None = None) -> None:
        if self.lease is None:
            return
        task = dataclasses.replace(task, epoch=self.lease.epoch)
        work: Callable[[], Awaitable[Task]]
        try:
            kind = self.kinds[task.kind]
            run: Run[Any] = Run(task, kind.load(task.arguments), self.world, self)
        except Exception:
            _log.exception("a task cannot be read", task=task.id, kind=task.kind)
            work = partial(self._abandon, task)
        else:
            self._executions[task.id] = Execution(run, kind, self._save, self._observer, refusal=refusal,
                                                  first_pause=self.settings.first_pause)  # fmt: skip
            work = self._executions[task.id].go
        self._jobs[task.id] = asyncio.create_task(self._work(task.id, work), name=f"task {task.kind} {task.id}")

    async def _work(self, task_id: str, work: Callable[[], Awaitable[Task]]) -> None:
        try:
            task = await work()
        except (LeaseLostError, Unavailable):
            self._lost.set()
            return
        except Exception:  # it stays as it is, with its locks, until the engine starts again
            _log.exception("a task is stranded by a fault of ours", task=task_id)
            return
        finally:
            self._jobs.pop(task_id, None)
            self._executions.pop(task_id, None)
            self._reported.pop(task_id, None)
        _log.info("task ended", task=task.id, kind=task.kind, state=task.state, error=task.error)
        self._queue.end(task_id)
        self.finished.set()
        self._pump()

    async def _abandon(self, task: Task) -> Task:
        """The end of a task that this version of Altus cannot read."""
        error = Internal(f"This manager does not know how to do {task.kind} as it was asked.", code="task.unreadable",
                         hint="Was it submitted by a newer version of Altus?")  # fmt: skip
        failed = dataclasses.replace(task, state=TaskState.FAILED, error=error.to_dict(), finished_at=utc_now())
        await self._save(failed, ())
        return failed

    async def _save(self, task: Task, writes: Sequence[Callable[[Tx], Any]]) -> None:
        """Write the task and what belongs to it under the lease; wait while the database is away.

        An attempt without an answer may have been committed: its repetition looks first.
        """
        repeated = False
        while True:
            try:
                await self.world.db.write(partial(self._write, task=task, writes=writes, repeated=repeated))
            except Unavailable:
                if self._lost.is_set():
                    raise
                repeated = True
                await asyncio.sleep(self.settings.poll_seconds)
            except AltusError:
                raise
            except Exception as error:
                _log.exception("what a task writes failed by a fault of ours", task=task.id, kind=task.kind)
                raise Internal("Writing the result failed by an internal fault.",
                               hint=f"See the manager's log for task {task.id}.") from error  # fmt: skip
            else:
                return

    def _write(self, tx: Tx, task: Task, writes: Sequence[Callable[[Tx], Any]], repeated: bool) -> None:
        leases.fence(tx, task.epoch)
        if repeated and rows.is_saved(tx, task):
            return
        rows.save(tx, task)
        for write in writes:
            write(tx)
        if task.state.finished:
            self.world.journal(tx, task)

    async def _save_progress(self, task: Task) -> None:
        """Tried once only, and not after the next checkpoint was begun: it must not overwrite what is newer."""
        execution = self._executions.get(task.id)
        if execution is None or execution.task.trail is not task.trail:
            return

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

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
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


async def _wait_event(event: asyncio.Event, timeout: float) -> None:
    try:
        async with asyncio.timeout(timeout):
            await event.wait()
    except TimeoutError:
        pass
