"""Pools of hosts."""

from __future__ import annotations

from altus.sdk.resources import Resources
from altus.sdk.shapes import read
from altus.wire.pools import PoolCreate, PoolEdit, PoolView


class Pools(Resources[PoolView]):
    """`/pools`."""

    path = "/pools"
    view = PoolView

    async def create(self, body: PoolCreate) -> PoolView:
        """A new one, without hosts."""
        return read(PoolView, (await self._transport.call("POST", self.path, body=body)).body)

    async def edit(self, pool: str, body: PoolEdit) -> PoolView:
        """Change what `body` has set."""
        return read(PoolView, (await self._transport.call("PATCH", self._one(pool), body=body, repeat=True)).body)

    async def delete(self, pool: str) -> None:
        """Remove one without hosts."""
        await self._transport.call("DELETE", self._one(pool))
