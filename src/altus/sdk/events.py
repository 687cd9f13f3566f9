"""What happens, as it happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from altus.sdk.resources import Noun
from altus.sdk.stream import follow
from altus.wire.tasks import EventView


class Events(Noun):
    """`/events`."""

    async def follow(self, after: int | None = None, nouns: Iterable[str] = ()) -> AsyncGenerator[EventView, None]:
        """Events after number `after` (None: from now on), for ever; goes on by itself after a lost connection, and
        then repeats none and leaves none out."""
        async with aclosing(follow(self._transport, after, nouns)) as messages:
            async for message in messages:
                if isinstance(message, EventView):
                    yield message
