"""Waiting for a task: by events where one may read them, else by asking; a manager that restarts is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from altus.common.errors import Forbidden
from altus.sdk.shapes import read, segment
from altus.sdk.stream import Beat, follow
from altus.sdk.transport import Transport
from altus.wire.tasks import TaskView

_PATIENCE = 120.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


async def wait(transport: Transport, task_id: str, on_progress: Callable[[TaskView], None] | None = None) -> TaskView:
    """The task when it is finished, however it ended; `on_progress` gets it each time it is looked at. Being cancelled
    leaves the task as it is: wait again to go on."""
    path, signals = f"/tasks/{segment(task_id)}", _signals(transport, task_id)
    try:
        while True:
            answer = await transport.call("GET", path, patience=_patience(transport))
            task = read(TaskView, answer.body)
            if on_progress is not None:
                on_progress(task)
            if task.state.finished:
                return task
            await anext(signals)
    finally:
        await signals.aclose()


async def _signals(transport: Transport, task_id: str) -> AsyncGenerator[None, None]:
    """Something each time it is worth looking at the task again; soon after the start, for what happened before."""
    try:
        async with aclosing(follow(transport, nouns=["task"], patience=_patience(transport))) as messages:
            async for message in messages:
                if isinstance(message, Beat) or message.object_id == task_id:
                    yield
    except Forbidden:
        pause = _FIRST_PAUSE
        while True:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            yield


def _patience(transport: Transport) -> float:
    return max(_PATIENCE, transport.patience)
