"""Snapshots of VMs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from altus.sdk.changes import Change
from altus.sdk.resources import Noun, list_query
from altus.sdk.shapes import read, read_page, segment
from altus.wire.base import ListView
from altus.wire.snapshots import SnapshotCreate, SnapshotView

_PAGE = 500


class Snapshots(Noun):
    """`/vms/<vm>/snapshots`; `vm` and `snapshot` are ids or names."""

    async def page(self, vm: str, filters: Iterable[str] = (), *, sort: str = "", limit: int = 100,
                   after: str | None = None) -> ListView[SnapshotView]:  # fmt: skip
        """One page of a VM's."""
        query = list_query(filters, sort, limit, after)
        return read_page(SnapshotView, (await self._transport.call("GET", _path(vm), query=query)).body)

    async def each(self, vm: str, filters: Iterable[str] = (), *, sort: str = "") -> AsyncIterator[SnapshotView]:
        """All of a VM's, page by page."""
        wanted, after = list(filters), None
        while True:
            page = await self.page(vm, wanted, sort=sort, limit=_PAGE, after=after)
            for item in page.items:
                yield item
            if (after := page.next) is None:
                return

    async def get(self, vm: str, snapshot: str) -> SnapshotView:
        """One; `NotFound`."""
        return read(SnapshotView, (await self._transport.call("GET", _path(vm, snapshot))).body)

    def create(self, vm: str, body: SnapshotCreate) -> Change:
        """Keep what all its disks hold now."""
        return self._change("POST", _path(vm), body)

    def revert(self, vm: str, snapshot: str) -> Change:
        """Let the VM be as it was then."""
        return self._change("POST", f"{_path(vm, snapshot)}/revert")

    def keep(self, vm: str, snapshot: str) -> Change:
        """Let no schedule delete it."""
        return self._change("POST", f"{_path(vm, snapshot)}/keep")

    def delete(self, vm: str, snapshot: str) -> Change:
        """Keep it no longer; the VM and other snapshots stay as they are."""
        return self._change("DELETE", _path(vm, snapshot))


def _path(vm: str, snapshot: str = "") -> str:
    path = f"/vms/{segment(vm)}/snapshots"
    return f"{path}/{segment(snapshot)}" if snapshot else path
