"""The connection to libvirtd: opened when needed, again when it was lost.

Libvirt's callbacks come from libvirt's own event loop, which one thread of this process runs for ever: that loop is
safe against calls from many threads (ours come from an executor), which the adapter for asyncio (libvirtaio) is not,
and it outlives asyncio's loops. What callbacks have to say crosses over by `call_soon_threadsafe`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import libvirt

from altus.common.errors import Unavailable
from altus.drivers.hypervisor.libvirt.errors import is_connection_loss, translate, unavailable

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
OnOpen = Callable[[libvirt.virConnect, asyncio.AbstractEventLoop], None]
_THREADS = 8
_OPEN_SECONDS = 5.0
_KEEPALIVE_SECONDS, _KEEPALIVE_COUNT = 3, 3


@functools.cache
def _run_event_loop() -> None:
    """Start libvirt's event loop, once for the process; must come before the first connection."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)  # errors are raised; stderr need not show them
    libvirt.virEventRegisterDefaultImpl()

    def run() -> None:
        while True:
            libvirt.virEventRunDefaultImpl()

    threading.Thread(target=run, name="libvirt-events", daemon=True).start()


class Connection:
    """Keeps one connection for all; `on_open` is called in a worker thread with each new one before anybody uses it,
    `on_loss` in the event loop after one is gone."""

    def __init__(self, uri: str, *, on_open: OnOpen, on_loss: Callable[[], None]) -> None:
        self._uri = uri
        self._on_open = on_open
        self._on_loss = on_loss
        self.executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="libvirt-call")
        self._current: libvirt.virConnect | None = None
        self._opening: asyncio.Future[libvirt.virConnect] | None = None
        self._closed = False

    async def get(self) -> libvirt.virConnect:
        """The live connection; `Unavailable` (`hypervisor.unavailable`) if there is none to be had."""
        if self._closed:
            raise unavailable("the driver is closed")
        if self._current is not None:
            return self._current
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._open())
            self._opening.add_done_callback(self._opened)
        # shielded: others wait for the same attempt, and a thread stuck in a hanging libvirtd cannot be called back
        done, _ = await asyncio.wait([self._opening], timeout=_OPEN_SECONDS)
        if not done:
            raise unavailable(f"no connection to {self._uri} within {_OPEN_SECONDS:.0f} s")
        return next(iter(done)).result()

    async def run(self, call: Callable[[libvirt.virConnect], _T], vm_id: str = "") -> _T:
        """Run `call` with the connection in a worker thread, with libvirt's errors translated."""
        connection = await self.get()
        return await self._in_thread(connection, functools.partial(call, connection), vm_id)

    async def run_domain(self, vm_id: str, call: Callable[[libvirt.virDomain], _T]) -> _T:
        """Run `call` with the VM's domain in a worker thread; `NotFound` (`vm.not_on_host`) if there is none."""
        return await self.run(lambda connection: call(connection.lookupByUUIDString(vm_id)), vm_id)

    async def close(self) -> None:
        """Close it; nothing can be run afterwards."""
        self._closed = True
        if self._opening is not None:
            with contextlib.suppress(Unavailable, libvirt.libvirtError):
                await asyncio.wait([self._opening], timeout=_OPEN_SECONDS)
        current, self._current = self._current, None
        if current is not None:
            await asyncio.get_running_loop().run_in_executor(self.executor, _close, current)
            self._on_loss()
        self.executor.shutdown(wait=False)

    async def _in_thread(self, connection: Any, call: Callable[[], _T], vm_id: str) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self.executor, call)
        except libvirt.libvirtError as error:
            if is_connection_loss(error):
                self._lost(connection, str(error))
            raise translate(error, vm_id) from error

    async def _open(self) -> libvirt.virConnect:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.executor, self._open_now, loop)
        except libvirt.libvirtError as error:
            raise unavailable(str(error).rstrip(".")) from error

    def _open_now(self, loop: asyncio.AbstractEventLoop) -> libvirt.virConnect:
        """In a worker thread: open, watch for its end, and let the user of this class register callbacks."""
        _run_event_loop()
        connection = libvirt.open(self._uri)
        try:
            with contextlib.suppress(libvirt.libvirtError):  # drivers without a daemon have nothing to keep alive
                connection.setKeepAlive(_KEEPALIVE_SECONDS, _KEEPALIVE_COUNT)

            def closed(conn: libvirt.virConnect, reason: int, _opaque: object) -> None:
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
                    loop.call_soon_threadsafe(self._lost, connection, f"closed (reason {reason})")

            connection.registerCloseCallback(closed, None)
            self._on_open(connection, loop)
        except libvirt.libvirtError:
            _close(connection)
            raise
        return connection

    def _opened(self, opening: asyncio.Future[libvirt.virConnect]) -> None:
        self._opening = None
        if opening.cancelled() or opening.exception() is not None:
            return
        connection = opening.result()
        if self._closed:
            self.executor.submit(_close, connection)
        elif connection.isAlive():  # it may have been lost already, before anybody could forget it
            self._current = connection

    def _lost(self, connection: Any, reason: str) -> None:
        """In the event loop: forget a connection that is gone; the next call opens another."""
        if connection is None or connection is not self._current:
            return
        _log.warning("connection to %s lost: %s", self._uri, reason)
        self._current = None
        self.executor.submit(_close, connection)
        self._on_loss()


def _close(connection: libvirt.virConnect) -> None:
    """Let go of a connection, dead or alive."""
    with contextlib.suppress(libvirt.libvirtError):
        connection.unregisterCloseCallback()
    with contextlib.suppress(libvirt.libvirtError):
        connection.close()
