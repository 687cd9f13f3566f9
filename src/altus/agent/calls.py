"""Calls: who may have what done, joining what is already being done, and at most one thing at a time per object."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import structlog
from pydantic import ValidationError

from altus.agent.drivers import HostDrivers
from altus.agent.epochs import Epochs
from altus.agent.execution import Execution
from altus.agent.handlers.declare import Handler
from altus.agent.handlers.table import HANDLERS
from altus.agent.lanes import Lanes
from altus.common.errors import AltusError, Cancelled, Conflict, Internal, InvalidInput, NotFound, Unavailable
from altus.common.ids import new_id
from altus.wire.agent import CallLine
from altus.wire.operations import Message

_HEAVY_AT_ONCE = 4
_log = structlog.get_logger(__name__)


class Calls:
    """All calls of one agent. `ended` counts them by operation and `done` or the kind of error."""

    def __init__(self, host: HostDrivers, epochs: Epochs,
                 handlers: Mapping[str, Handler[Any, Any]] = HANDLERS) -> None:  # fmt: skip
        self._host = host
        self._epochs = epochs
        self._handlers = handlers
        self._lanes = Lanes()
        self._heavy = asyncio.Semaphore(_HEAVY_AT_ONCE)
        self._running: dict[str, Execution] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self.ended: Counter[tuple[str, str]] = Counter()

    @property
    def running(self) -> int:
        """How many calls last."""
        return len(self._running)

    async def start(self, operation: str, body: bytes, *, key: str = "", epoch: int = 0) -> Execution:
        """Begin the operation, or join the one that runs under this key.

        Raises `NotFound` (`call.unknown_operation`), `InvalidInput` (`call.invalid_request`), `Conflict`
        (`call.key_reused`) or `Unavailable` (`lease.lost`, `host.stopping`).
        """
        handler = self._handlers.get(operation)
        if handler is None:
            raise NotFound(f"The agent knows no operation {operation[:64]!r}.", code="call.unknown_operation",
                           hint="Manager and agent should be of the same version.")  # fmt: skip
        request = _parse(handler, body)
        if not handler.reads:
            await self._epochs.admit(epoch)
        if self._closing:
            raise self._stopping()
        running = self._running.get(key) if key else None
        if running is None:
            return self._begin(handler, request, key or new_id(), epoch)
        if running.operation != operation:
            raise Conflict("Another operation runs under this key.", code="call.key_reused")
        running.epoch = max(running.epoch, epoch)
        return running

    async def cancel(self, key: str) -> bool:
        """Break off the call with this key and wait until it has ended; whether there was one."""
        running = self._running.get(key)
        if running is None:
            return False
        await running.stop(Cancelled("The call was cancelled.", code="call.cancelled"))
        return True

    async def close(self) -> None:
        """Break off everything: whoever asked is told to ask again later."""
        self._closing = True
        await asyncio.gather(*(running.stop(self._stopping()) for running in list(self._running.values())))

    def _begin(self, handler: Handler[Any, Any], request: Message, key: str, epoch: int) -> Execution:
        execution = Execution(handler.operation.name, key, epoch)
        self._running[key] = execution
        with structlog.contextvars.bound_contextvars(operation=execution.operation, key=key):
            work = asyncio.get_running_loop().create_task(self._conclude(handler, request, execution))
        self._tasks.add(work)
        work.add_done_callback(self._tasks.discard)
        work.add_done_callback(lambda _work: self._forget(execution))
        execution.begin(work)
        return execution

    async def _conclude(self, handler: Handler[Any, Any], request: Message, execution: Execution) -> None:
        """Whatever happens becomes an answer."""
        try:
            result = await self._work(handler, request, execution)
            execution.end(CallLine(result=result.model_dump(mode="json")))
            self.ended[execution.operation, "done"] += 1
        except asyncio.CancelledError:
            self._refuse(execution, execution.interruption())
        except AltusError as error:
            self._refuse(execution, error)
        except Exception:
            _log.exception("call failed by a fault of ours")
            self._refuse(execution, Internal(f"{execution.operation} failed by an internal fault of the agent.",
                                             hint="See the agent's log on the host."))  # fmt: skip

    async def _work(self, handler: Handler[Any, Any], request: Message, execution: Execution) -> Message:
        if handler.about is None:
            return await self._run(handler, request, execution)
        async with self._lanes.hold(handler.about(request)):
            self._epochs.require(execution.epoch)  # a newer manager may have come while this one waited
            if not handler.heavy(request):
                return await self._run(handler, request, execution)
            async with self._heavy:
                return await self._run(handler, request, execution)

    async def _run(self, handler: Handler[Any, Any], request: Message, execution: Execution) -> Message:
        answer: Message = await handler.run(self._host, request, execution.report)
        return answer

    def _refuse(self, execution: Execution, error: AltusError) -> None:
        error.context.setdefault("host_id", self._host.host_id)
        execution.end(CallLine(error=error.to_dict()))
        self.ended[execution.operation, error.kind] += 1

    def _forget(self, execution: Execution) -> None:
        if execution.answer is None:  # cancelled before it ran at all
            self._refuse(execution, execution.interruption())
        if self._running.get(execution.key) is execution:
            del self._running[execution.key]

    def _stopping(self) -> AltusError:
        return Unavailable("The host's agent is stopping.", code="host.stopping", hint="It is usually back at once.",
                           host_id=self._host.host_id)  # fmt: skip


def _parse(handler: Handler[Any, Any], body: bytes) -> Message:
    try:
        request: Message = handler.operation.request.model_validate_json(body)
    except ValidationError as error:
        # the input itself may hold secrets and is not told
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_input=False)
        )
        raise InvalidInput(f"The request is not a {handler.operation.name}: {faults}.", code="call.invalid_request",
                           hint="Manager and agent should be of the same version.") from None  # fmt: skip
    return request
