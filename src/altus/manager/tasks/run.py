"""What a step sees of the world: arguments, earlier results, the database, the agents, and progress."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from altus.common.errors import Cancelled, Unavailable
from altus.common.ids import derived_id
from altus.common.pki import Authority
from altus.manager.agents.base import Agents
from altus.manager.store import lease as leases
from altus.manager.store.database import Database, LeaseLostError, Tx
from altus.manager.store.secrets import SecretBox
from altus.manager.tasks.children import Reserve, nothing
from altus.model.task import StepState, Task
from altus.wire.operations import Operation

A = TypeVar("A")
Q = TypeVar("Q")
S = TypeVar("S")


def _no_journal(_tx: Tx, _task: Task) -> None:
    """Where nobody keeps an audit, as in tests of the engine alone."""


@dataclass(frozen=True)
class World:
    """What tasks work with. `authority` signs for hosts; `journal` writes a task's end to the audit, in the
    transaction that ends it."""

    db: Database
    agents: Agents
    secrets: SecretBox
    authority: Authority
    journal: Callable[[Tx, Task], None] = _no_journal


class Host(Protocol):
    """What a running task needs of the engine that runs it."""

    def report(self, task_id: str, share: float | None, message: str, committed: bool) -> None:
        """Tell how far the current step is (None: as far as before), and whether nothing can end it any more."""
        ...

    async def run_children(self, parent: Task, children: list[Task], limit: int, reserve: Reserve) -> list[Task]:
        """Submit tasks and wait for them."""
        ...


@dataclass
class Run(Generic[A]):
    """One task being checked, planned or run. In checks and plans `engine` is None and nothing may be changed.

    `cancelling` is for long steps without calls to agents: somebody wants the task to end, and it still can.
    """

    task: Task
    args: A
    world: World
    engine: Host | None = None
    step_name: str = ""
    undoing: bool = False
    cancelling: bool = False
    _calls: set[tuple[str, str]] = field(default_factory=set)
    _writes: list[Callable[[Tx], Any]] = field(default_factory=list)

    @property
    def db(self) -> Database:
        """The database."""
        return self.world.db

    def result_of(self, step: str) -> Any:
        """What an earlier step returned; None if it was not finished."""
        done = (StepState.DONE, StepState.UNDOING, StepState.UNDONE)
        return next((r.result for r in self.task.trail if r.name == step and r.state in done), None)

    def write(self, work: Callable[[Tx], Any]) -> None:
        """Change objects in the same transaction as this step's checkpoint."""
        self._writes.append(work)

    async def at_once(self, work: Callable[[Tx], S]) -> S:
        """Look and write in one transaction before the step ends, where what was seen must not change in between. The
        step may be repeated after it: `work` must come to the same if it finds its own traces."""

        def fenced(tx: Tx) -> S:
            leases.fence(tx, self.task.epoch)
            return work(tx)

        return await self.db.write(fenced)

    def take_writes(self) -> list[Callable[[Tx], Any]]:
        """The writes collected so far, once."""
        writes, self._writes = self._writes, []
        return writes

    async def call(self, host_id: str, operation: Operation[Q, S], request: Q) -> S:
        """Ask a host's agent. The key names task, step, direction and what is asked: a repetition joins the first."""
        direction = "undo" if self.undoing else "do"
        about = derived_id(operation.name, repr(request))
        key = f"{self.task.id}/{self.step_name}/{direction}/{about}"
        if self.cancelling and not self.undoing:
            raise Cancelled("The task was cancelled.", code="task.cancelled")
        self._calls.add((host_id, key))
        if self.task.host_id is None:
            self.task = dataclasses.replace(self.task, host_id=host_id)
        try:
            return await self.world.agents.call(
                host_id, operation, request, key=key, epoch=self.task.epoch, progress=self.report
            )
        except Unavailable as error:
            if error.code == LeaseLostError.default_code:  # the agent has seen a later manager
                raise LeaseLostError(error.message, hint=error.hint) from error
            raise
        finally:
            self._calls.discard((host_id, key))

    async def break_off(self) -> None:
        """Have the agents end the calls that last now."""
        for host_id, key in list(self._calls):
            await self.world.agents.cancel(host_id, key)

    def report(self, share: float | None, message: str = "", committed: bool = False) -> None:
        """Tell how far this step is (0.0 to 1.0; None: as before) and what it waits for; stored now and then. Nobody
        can cancel the task any more once a step is `committed`."""
        if self.engine is not None:
            self.engine.report(self.task.id, share, message, committed)

    async def run_children(self, children: list[Task], limit: int = 4, reserve: Reserve = nothing) -> list[Task]:
        """Submit these tasks, at most `limit` unfinished at once, and wait until all have finished. The ids must be
        derived from this task's, so that a repetition finds the children it has. `reserve` writes what a task needs,
        in the transaction that submits it; it is not asked again for one that is there."""
        if self.engine is None:
            raise RuntimeError("children are not started by checks or plans")
        return await self.engine.run_children(self.task, children, limit, reserve)
