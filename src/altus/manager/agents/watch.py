"""Who is told what hosts see."""

from __future__ import annotations

from typing import Protocol

from altus.wire.agent import FactsChanged, Hello, HostTouched, StateSeen, StoragesChanged, VmHappened

HostNews = StateSeen | VmHappened | FactsChanged | StoragesChanged | HostTouched


class HostWatcher(Protocol):
    """Called in order, one at a time per host; an exception is logged and has the host say everything again."""

    async def on_hello(self, hello: Hello) -> None:
        """A host is up, and this is all it knows."""
        ...

    async def on_news(self, host_id: str, news: HostNews) -> None:
        """Something is different there."""
        ...

    async def on_down(self, host_id: str) -> None:
        """It does not answer any more."""
        ...
