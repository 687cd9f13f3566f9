"""Undo is a stack, not nested `except`.

async with Undo() as undo:
    path.write_bytes(…)
    undo.push(path.unlink)
    await risky()
# here: kept. Any exception inside: undone in reverse order, then raised.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType

_log = logging.getLogger(__name__)


class Undo:
    """Collects undo actions and runs them in reverse if the block fails; an undo that fails is logged, not raised."""

    def __init__(self) -> None:
        self._actions: list[Callable[[], Awaitable[object] | object]] = []

    def push(self, action: Callable[[], Awaitable[object] | object]) -> None:
        """Remember how to take back what was just done."""
        self._actions.append(action)

    async def __aenter__(self) -> Undo:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:  # fmt: skip
        if error is None:
            return
        while self._actions:
            action = self._actions.pop()
            try:
                result = action()
                if inspect.isawaitable(result):
                    await result
            except Exception:
                _log.exception("undo failed: %r", action)
