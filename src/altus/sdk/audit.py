"""The audit trail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from altus.sdk.resources import Noun, list_query
from altus.sdk.shapes import read, read_page
from altus.wire.base import ListView
from altus.wire.users import AuditVerdictView, AuditView

_PAGE = 500


class Audit(Noun):
    """`/audit`."""

    async def page(self, filters: Iterable[str] = (), *, sort: str = "", limit: int = 100, after: str | None = None,
                   since: datetime | None = None, until: datetime | None = None) -> ListView[AuditView]:  # fmt: skip
        """One page of records, from `since` and before `until`."""
        query = list_query(filters, sort, limit, after)
        for name, moment in (("since", since), ("until", until)):
            query += [(name, moment.isoformat())] if moment is not None else []
        return read_page(AuditView, (await self._transport.call("GET", "/audit", query=query)).body)

    async def each(self, filters: Iterable[str] = (), *, sort: str = "", since: datetime | None = None,
                   until: datetime | None = None) -> AsyncIterator[AuditView]:  # fmt: skip
        """All of them, page by page."""
        wanted, after = list(filters), None
        while True:
            page = await self.page(wanted, sort=sort, limit=_PAGE, after=after, since=since, until=until)
            for item in page.items:
                yield item
            if (after := page.next) is None:
                return

    async def verify(self) -> AuditVerdictView:
        """Have the manager read the whole trail: whether it is whole, else what was done to it."""
        return read(AuditVerdictView, (await self._transport.call("POST", "/audit/verify", repeat=True)).body)
