"""How a task type is declared. See docs/recipes/add-a-task.md.

VM_PAUSE = TaskType(
    "vm.pause", VmPause, title="Pause VM", permission=Permission.VM_OPERATE, noun="vm",
    locks=lambda a: [exclusive("vm", a.vm_id)], check=check, steps=(Step("pause", "Pause the vCPUs", pause, undo=resume),),
)
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import TypeAdapter

from altus.manager.store.database import Tx
from altus.model.permission import Permission
from altus.model.task import Lock

if TYPE_CHECKING:
    from altus.manager.tasks.run import Run

A = TypeVar("A")

Action = Callable[["Run[A]"], Awaitable[Any]]
"""Does a step (its JSON-ready return value is stored) or undoes it. Runs at least once, so it must be idempotent."""
Write = Callable[["Run[A]", Tx], None]
"""Writes objects in the same transaction as the task's own row."""


@dataclass(frozen=True)
class Step(Generic[A]):
    """A named part of a task.

    `undo` takes back what `do` did, or half did, and succeeds if there is nothing to take back. After a step with
    `commits` the task only goes forward: it is repeated until it succeeds or fails for good, but never undone.
    `patience` is for how many seconds `do` is repeated while something is `Unavailable`.
    """

    name: str
    title: str
    do: Action[A]
    undo: Action[A] | None = None
    commits: bool = False
    patience: float = 60.0


@cache
def _adapter(arguments: Any) -> TypeAdapter[Any]:
    """Costs a millisecond to make."""
    return TypeAdapter(arguments)


def _no_write(_run: Run[Any], _tx: Tx) -> None:
    """Most task types change objects in their steps only."""


async def _no_check(_run: Run[Any]) -> None:
    """Some tasks are always possible."""


@dataclass(frozen=True)
class TaskType(Generic[A]):
    """A kind of change.

    `arguments` is a frozen dataclass; `check` mutates nothing and raises if the change is impossible; `plan` adds what
    only a plan shows (host chosen and why); `on_success`, `on_undone` and `on_stuck` write the final state of objects
    when the task succeeded, was undone (failed or cancelled), or failed beyond undoing.
    """

    kind: str
    arguments: type[A]
    title: str
    permission: Permission
    noun: str
    locks: Callable[[A], Sequence[Lock]]
    steps: tuple[Step[A], ...]
    check: Action[A] = _no_check
    plan: Callable[[Run[A]], Awaitable[dict[str, Any]]] | None = None
    on_success: Write[A] = _no_write
    on_undone: Write[A] = _no_write
    on_stuck: Write[A] = _no_write
    cancellable: bool = True

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"{self.kind} needs steps, each with a name of its own: {names}")

    def dump(self, arguments: A) -> dict[str, Any]:
        """Arguments as plain JSON."""
        plain: dict[str, Any] = self._adapter.dump_python(arguments, mode="json")
        return plain

    def load(self, plain: dict[str, Any]) -> A:
        """Arguments from plain JSON."""
        loaded: A = self._adapter.validate_python(plain)
        return loaded

    @property
    def _adapter(self) -> TypeAdapter[Any]:
        arguments: Any = self.arguments
        return _adapter(arguments)
