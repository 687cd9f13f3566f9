"""Storage repositories."""

from __future__ import annotations

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import group, query
from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.listing import list_things
from altus.cli.text import size

app = group("Storage repositories.")
STORAGE: AnyLayout = Layout(
    columns=(
        ("NAME", lambda storage: storage.name),
        ("KIND", lambda storage: storage.kind.value),
        ("HOST", lambda storage: Ref("host", storage.host_id) if storage.host_id else "shared"),
        ("CAPACITY", lambda storage: size(storage.usage.capacity) if storage.usage else "not known"),
        ("USED", lambda storage: size(storage.usage.used) if storage.usage else ""),
        ("FREE", lambda storage: size(storage.usage.available) if storage.usage else ""),
    ),
    details=(
        ("ID", lambda storage: storage.id),
        ("PROJECT", lambda storage: Ref("project", storage.project_id)),
        ("LABEL", lambda storage: storage.label.value),
    ),
)


@query(app, "list")
async def list_storages(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List storage repositories."""
    await list_things(call, call.altus.storages, STORAGE, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, storage: options.Storage) -> None:
    """Show a storage repository."""
    await call.show(await call.altus.storages.get(storage), STORAGE)
