"""Lists: a page, or all of them."""

from __future__ import annotations

from typing import Any

from altus.cli.call import Call
from altus.cli.layout import AnyLayout


async def list_things(call: Call, resources: Any, layout: AnyLayout, filters: list[str], sort: str, limit: int,
                      everything: bool, **more: Any) -> None:  # fmt: skip
    """What `altus <noun> list` does. `resources` has `page` and `each`."""
    if everything:
        items = [item async for item in resources.each(filters, sort=sort, **more)]
        await call.show_page(items, None, layout)
    else:
        page = await resources.page(filters, sort=sort, limit=limit, **more)
        await call.show_page(page.items, page.next, layout)
