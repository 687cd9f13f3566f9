"""The terminal joined to a console: what is typed goes to the guest, what the guest writes is shown."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from altus.sdk.consoles import Console

ESCAPE = b"\x1d"
"""Ctrl-]: leaves the console of a terminal."""
_CHUNK = 4096


async def join(console: Console, idle: float) -> None:
    """Until the console ends, ctrl-] is typed, or piped input has ended and nothing came for `idle` seconds."""
    heard = asyncio.Event()
    with _raw():
        tasks = [asyncio.create_task(_show(console, heard)), asyncio.create_task(_type(console, heard, idle))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _show(console: Console, heard: asyncio.Event) -> None:
    async for data in console:
        heard.set()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


async def _type(console: Console, heard: asyncio.Event, idle: float) -> None:
    interactive = sys.stdin.isatty()
    typed = _typed()
    while data := await typed.get():
        before, escape, _ = data.partition(ESCAPE) if interactive else (data, b"", b"")
        if before:
            await console.send(before)
        if escape:
            return
    while not interactive:
        heard.clear()
        try:
            await asyncio.wait_for(heard.wait(), idle)
        except TimeoutError:
            return


def _typed() -> asyncio.Queue[bytes]:
    """What is typed, in pieces; an empty one at the end. Read in a thread of its own, which works for terminals, pipes
    and files alike, and which nobody waits for when the console ends first."""
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        data = b"-"
        while data and not loop.is_closed():
            data = os.read(sys.stdin.fileno(), _CHUNK)
            try:
                loop.call_soon_threadsafe(queue.put_nowait, data)
            except RuntimeError:  # the console ended while we were reading
                return

    threading.Thread(target=read, daemon=True, name="stdin").start()
    return queue


@contextmanager
def _raw() -> Iterator[None]:
    """Every key as it is, if this is a terminal; restored whatever happens."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
