"""The event stream (SSE): parsed, and resumed after the last event when the connection breaks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

import aiohttp

from altus.common.errors import Unavailable
from altus.sdk.shapes import read
from altus.sdk.transport import Query, Transport, Untrusted, connection_error
from altus.wire.tasks import EventView

_SILENCE = 30.0
"""The manager says something every ten seconds; after this many without a byte the connection is dead."""
_PAUSE = 0.5
_DATA = b"data:"


@dataclass(frozen=True)
class Beat:
    """Nothing happened up to event `seq`, and the stream is alive."""

    seq: int


async def follow(transport: Transport, after: int | None = None, nouns: Iterable[str] = (), *,
                 patience: float | None = None) -> AsyncGenerator[EventView | Beat, None]:  # fmt: skip
    """Events after number `after` (None: from now on), for ever, none twice and none left out. `Unavailable` when the
    manager stays away for longer than `patience` seconds (the transport's own by default)."""
    wanted: list[tuple[str, str | int]] = [("noun", noun) for noun in nouns]
    allowed = transport.patience if patience is None else patience
    heard = time.monotonic()
    while True:
        try:
            async with aclosing(_once(transport, after, wanted)) as messages:
                async for message in messages:
                    heard = time.monotonic()
                    after = message.seq
                    yield message
            error = connection_error(aiohttp.ServerDisconnectedError(), transport.url)
        except (Unavailable, aiohttp.ClientError, TimeoutError) as trouble:
            error = connection_error(trouble, transport.url)
        if isinstance(error, Untrusted) or time.monotonic() - heard > allowed:
            raise error
        transport.tell(error)
        await asyncio.sleep(_PAUSE)


async def _once(transport: Transport, after: int | None, query: Query) -> AsyncGenerator[EventView | Beat, None]:
    headers = {"Accept": "text/event-stream"} | ({} if after is None else {"Last-Event-ID": str(after)})
    async with transport.open("GET", "/events", query=query, headers=headers, silence=_SILENCE) as response:
        async for block in _blocks(response.content):
            if (message := _parse(block)) is not None:
                yield message


async def _blocks(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The parts between empty lines."""
    rest = b""
    async for chunk in content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n\n")
        for block in whole:
            yield block


def _parse(block: bytes) -> EventView | Beat | None:
    lines = block.split(b"\n")
    data = b"\n".join(line[len(_DATA) :].strip() for line in lines if line.startswith(_DATA))
    if data:
        return read(EventView, data)
    position = lines[-1].lstrip(b": ")
    return Beat(int(position)) if position.isdigit() else None
