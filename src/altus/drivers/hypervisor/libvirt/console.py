"""The serial console: a libvirt stream without blocking, driven by libvirt's stream events.

Bytes are taken by the callback in libvirt's event thread and cross to asyncio in a bounded buffer. When it is full, the
callback takes no more until the reader has caught up, so that a flooding guest waits instead of filling memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import libvirt

from altus.drivers.hypervisor.libvirt.errors import not_running

_CHUNK = 16 * 1024
_BUFFER_LIMIT = 1024 * 1024
_WOULD_BLOCK = -2
_ENDS = libvirt.VIR_STREAM_EVENT_HANGUP | libvirt.VIR_STREAM_EVENT_ERROR


def connect(domain: libvirt.virDomain) -> libvirt.virStream:
    """`virDomainOpenConsole`, ending what an older one was connected to. Blocking: run it in a worker thread."""
    if not domain.isActive():
        raise not_running(domain.UUIDString())
    stream = domain.connect().newStream(libvirt.VIR_STREAM_NONBLOCK)
    domain.openConsole(None, stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
    return stream


class ConsoleStream:
    """A `ByteStream` over a libvirt stream."""

    def __init__(self, stream: libvirt.virStream, executor: Executor) -> None:
        self._stream = stream
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writing = asyncio.Lock()
        self._ended = False
        self._closed = False
        self._interest = threading.Lock()
        self._receiving, self._sending = True, False

    async def watch(self) -> None:
        """Begin to receive."""
        await self._call(lambda: self._stream.eventAddCallback(self._mask(), self._happened, None))

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""
        while not self._buffer and not self._ended:
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._buffer)
        self._buffer.clear()
        if not self._receiving and not self._ended:
            await self._call(lambda: self._want(receiving=True))
        return data

    async def write(self, data: bytes) -> None:
        """Send all of it; what a console that has ended cannot take is dropped, and `read` tells of the end."""
        async with self._writing:
            while data and not self._ended:
                self._writable.clear()
                sent = await self._call(functools.partial(self._stream.send, data))
                if sent == _WOULD_BLOCK:
                    await self._call(lambda: self._want(sending=True))
                    await self._writable.wait()
                elif sent is not None:
                    data = data[sent:]

    async def close(self) -> None:
        """End it."""
        if not self._closed:
            self._closed = True
            self.end()
            await self._call(self._let_go)

    def end(self) -> None:
        """Nothing comes any more: what was received can still be read."""
        self._ended = True
        self._arrived.set()
        self._writable.set()

    async def _call(self, call: Callable[[], Any]) -> Any:
        """Run a call on the stream in a worker thread; None if the stream does not exist any more."""
        try:
            return await self._loop.run_in_executor(self._executor, call)
        except libvirt.libvirtError:
            self.end()
            return None

    def _let_go(self) -> None:
        with contextlib.suppress(libvirt.libvirtError):  # both: libvirt may have ended it
            self._stream.eventRemoveCallback()
        with contextlib.suppress(libvirt.libvirtError):
            self._stream.abort()

    def _mask(self) -> int:
        reading = libvirt.VIR_STREAM_EVENT_READABLE if self._receiving else 0
        return int(_ENDS | reading | (libvirt.VIR_STREAM_EVENT_WRITABLE if self._sending else 0))

    def _want(self, *, receiving: bool | None = None, sending: bool | None = None) -> None:
        """Tell libvirt which events matter now; from any thread."""
        with self._interest:
            self._receiving = self._receiving if receiving is None else receiving
            self._sending = self._sending if sending is None else sending
            self._stream.eventUpdateCallback(self._mask())

    def _happened(self, _stream: libvirt.virStream, events: int, _opaque: Any) -> None:
        """In libvirt's event thread."""
        data, ended = b"", bool(events & _ENDS)
        with contextlib.suppress(libvirt.libvirtError):
            if events & libvirt.VIR_STREAM_EVENT_READABLE:
                data, at_end = self._receive()
                ended = ended or at_end
            if ended:
                self._stream.eventRemoveCallback()
            elif events & libvirt.VIR_STREAM_EVENT_WRITABLE:
                self._want(sending=False)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody reads
            self._loop.call_soon_threadsafe(self._take, data, ended, bool(events & libvirt.VIR_STREAM_EVENT_WRITABLE))

    def _receive(self) -> tuple[bytes, bool]:
        """What is there, and whether that was all."""
        if len(self._buffer) > _BUFFER_LIMIT:
            self._want(receiving=False)
            return b"", False
        try:
            received = self._stream.recv(_CHUNK)
        except libvirt.libvirtError:
            return b"", True
        return (b"", False) if received == _WOULD_BLOCK else (received, not received)

    def _take(self, data: bytes, ended: bool, writable: bool) -> None:
        self._buffer += data
        if ended:
            self.end()
        if data:
            self._arrived.set()
        if writable:
            self._writable.set()
