"""Names from the manager for the shell's completion: quickly, or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_TIMEOUT = 1.5
_MOST = 100


def of(nouns: str) -> Callable[[str], list[str]]:
    """Completes names of one kind: `vms`, `images` and so on, as the client calls them."""

    def complete(incomplete: str) -> list[str]:
        import asyncio

        try:
            return asyncio.run(asyncio.wait_for(_names(nouns, incomplete), _TIMEOUT))
        except Exception:
            return []  # an error text in the middle of the line being typed would help nobody

    return complete


async def _names(nouns: str, incomplete: str) -> list[str]:
    from altus.cli.credentials import Overrides, find
    from altus.sdk.client import AltusClient

    found = find(Overrides())
    filters = [f"name~{incomplete}"] if incomplete else []
    async with AltusClient(found.url, found.token, found.ca_file, patience=0) as altus:
        resources: Any = getattr(altus, nouns)
        page = await resources.page(filters, sort="name", limit=_MOST)
    return [item.name for item in page.items if item.name.startswith(incomplete)]
