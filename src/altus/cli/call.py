"""One call of the command line: what was asked for in general, the client, and how results are shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from altus.cli.credentials import Credentials, Overrides, find
from altus.cli.layout import AnyLayout, refs_of, resolved
from altus.cli.output import Output, write_data, write_details, write_table
from altus.cli.progress import Progress
from altus.common.errors import AltusError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from altus.sdk.client import AltusClient

_PATIENCE = 10.0
_NAMES = 1000


@dataclass(kw_only=True)
class Call:
    """Options that many commands have, and what they need to work. `interrupted` is told on ctrl-C."""

    output: Output = Output.TABLE
    overrides: Overrides = field(default_factory=Overrides)
    debug: bool = False
    plan: bool = False
    wait: bool = True
    yes: bool = False
    patience: float = _PATIENCE
    interrupted: Callable[[], str] | None = None
    progress: Progress = field(default_factory=Progress)
    _client: AltusClient | None = None

    @property
    def altus(self) -> AltusClient:
        """The manager, as whoever is logged in."""
        if self._client is None:
            self._client = self.connect(find(self.overrides))
        return self._client

    def connect(self, credentials: Credentials, patience: float | None = None) -> AltusClient:
        """A client with these credentials; use it as a context manager."""
        from altus.sdk.client import AltusClient

        return AltusClient(credentials.url, credentials.token, credentials.ca_file,
                           patience=self.patience if patience is None else patience,
                           on_trouble=lambda error: self.progress.tell(f"{error.message} Trying again."))  # fmt: skip

    async def close(self) -> None:
        """Let go of the connection."""
        self.progress.clear()
        if self._client is not None:
            await self._client.transport.close()

    async def show(self, thing: BaseModel, layout: AnyLayout) -> None:
        """One thing, with all its details."""
        await self._show(thing, layout, alone=True)

    async def show_row(self, thing: BaseModel, layout: AnyLayout) -> None:
        """One thing that was changed: for people its line of the list is enough."""
        await self._show(thing, layout, alone=False)

    async def show_page(self, items: list[Any], following: str | None, layout: AnyLayout) -> None:
        """A list, or a page of one."""
        self.progress.clear()
        if self.output is not Output.TABLE:
            write_data(self.output, {"items": [item.model_dump(mode="json") for item in items], "next": following})
            return
        await self._table(items, layout)
        if following is not None:
            self.progress.say("There is more: --all, or a larger --limit.")

    async def _show(self, thing: BaseModel, layout: AnyLayout, *, alone: bool) -> None:
        self.progress.clear()
        if self.output is not Output.TABLE:
            write_data(self.output, thing.model_dump(mode="json"))
        elif not alone:
            await self._table([thing], layout)
        else:
            columns = (*layout.columns, *layout.details)
            [row] = await self._texts([thing], columns)
            write_details([(title, text) for (title, _), text in zip(columns, row, strict=True)])

    async def _table(self, items: list[Any], layout: AnyLayout) -> None:
        write_table(layout, await self._texts(items, layout.columns))

    async def _texts(self, items: list[Any], columns: tuple[Any, ...]) -> list[list[str]]:
        import asyncio

        cells = [[text(item) for _, text in columns] for item in items]
        nouns = sorted(refs_of(cells))
        found = await asyncio.gather(*(self._names(noun) for noun in nouns))
        names = dict(zip(nouns, found, strict=True))
        return [[resolved(cell, names) for cell in row] for row in cells]

    async def _names(self, noun: str) -> dict[str, str]:
        """Names by id; none if one may not see them: then ids are shown."""
        pages: dict[str, Callable[..., Awaitable[Any]]] = {
            "host": self.altus.hosts.page, "network": self.altus.networks.page, "storage": self.altus.storages.page,
            "project": self.altus.projects.page, "vm": self.altus.vms.page, "image": self.altus.images.page,
            "user": self.altus.users.page, "group": self.altus.groups.page, "pool": self.altus.pools.page,
            "snapshot_schedule": self.altus.snapshot_schedules.page,
        }  # fmt: skip
        try:
            page = await pages[noun](limit=_NAMES)
        except AltusError:
            return {}
        return {item.id: item.name for item in page.items}
