"""A change shown without being made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class PlannedStep:
    """A step that would be taken; `undoable` until a step that cannot be taken back."""

    name: str
    title: str
    undoable: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a task would do: its steps, the locks it needs, the unfinished tasks it would wait for, and `details` such
    as the host chosen and why."""

    kind: str
    title: str
    noun: str
    object_name: str
    steps: tuple[PlannedStep, ...]
    locks: tuple[str, ...]
    waits_for: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
