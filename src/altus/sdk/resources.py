"""What all nouns have in common: one, a page, all pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel

from altus.sdk.changes import Change
from altus.sdk.shapes import read, read_page, segment
from altus.sdk.transport import Query, Transport
from altus.wire.base import ListView

V = TypeVar("V", bound=BaseModel)
_PAGE = 500


class Noun:
    """A part of the API, over one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _change(self, method: str, path: str, body: BaseModel | None = None, query: Query = ()) -> Change:
        return Change(self._transport, method, path, body, query)


class Listed(Noun, Generic[V]):
    """Things that can be listed. `path` and `view` say which."""

    path: ClassVar[str]
    view: type[V]

    async def page(self, filters: Iterable[str] = (), *, sort: str = "", limit: int = 100,
                   after: str | None = None) -> ListView[V]:  # fmt: skip
        """One page. `filters` are `field:value`, `field~part` or `field!value`; `sort` a field or `-field`; `after` the
        previous page's `next`."""
        return await self._page(list_query(filters, sort, limit, after))

    async def each(self, filters: Iterable[str] = (), *, sort: str = "") -> AsyncIterator[V]:
        """All of them, page by page."""
        wanted, after = list(filters), None
        while True:
            page = await self.page(wanted, sort=sort, limit=_PAGE, after=after)
            for item in page.items:
                yield item
            if (after := page.next) is None:
                return

    async def _page(self, query: Query) -> ListView[V]:
        return read_page(self.view, (await self._transport.call("GET", self.path, query=query)).body)


class Resources(Listed[V]):
    """Things that can also be looked at, one by one."""

    async def get(self, reference: str) -> V:
        """One, by id or name; `NotFound`."""
        return read(self.view, (await self._transport.call("GET", self._one(reference))).body)

    def _one(self, reference: str, verb: str = "") -> str:
        path = f"{self.path}/{segment(reference)}"
        return f"{path}/{verb}" if verb else path


def list_query(filters: Iterable[str], sort: str, limit: int, after: str | None) -> list[tuple[str, str | int]]:
    """The parameters which every list has."""
    query: list[tuple[str, str | int]] = [("filter", text) for text in filters]
    query += [("sort", sort)] if sort else []
    query += [("after", after)] if after is not None else []
    return [*query, ("limit", limit)]
