"""Alarms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from altus.sdk.resources import Noun, list_query
from altus.sdk.shapes import read_page
from altus.wire.alarms import AlarmView
from altus.wire.base import ListView

_PAGE = 500


class Alarms(Noun):
    """`/alarms`."""

    async def page(self, filters: Iterable[str] = (), *, sort: str = "", limit: int = 100,
                   after: str | None = None) -> ListView[AlarmView]:  # fmt: skip
        """One page of what is not as it should be."""
        query = list_query(filters, sort, limit, after)
        return read_page(AlarmView, (await self._transport.call("GET", "/alarms", query=query)).body)

    async def each(self, filters: Iterable[str] = (), *, sort: str = "") -> AsyncIterator[AlarmView]:
        """All of them, page by page."""
        wanted, after = list(filters), None
        while True:
            page = await self.page(wanted, sort=sort, limit=_PAGE, after=after)
            for item in page.items:
                yield item
            if (after := page.next) is None:
                return
