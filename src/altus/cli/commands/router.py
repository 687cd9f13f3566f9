"""Routers between networks."""

from __future__ import annotations

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import confirm, finish
from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.listing import list_things
from altus.cli.text import ago
from altus.model.label import Label

app = group("Routers: networks on one reach each other.")
ROUTER: AnyLayout = Layout(
    columns=(
        ("NAME", lambda router: router.name),
        ("STATE", lambda router: router.state.value),
        ("NETWORKS", lambda router: len(router.networks)),
        ("CREATED", lambda router: ago(router.created_at)),
    ),
    details=(
        ("ID", lambda router: router.id),
        ("PROJECT", lambda router: Ref("project", router.project_id)),
        ("LABEL", lambda router: router.label.value),
        ("IDS OF NETWORKS", lambda router: "\n".join(router.networks)),
    ),
)


@query(app, "list")
async def list_routers(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List routers."""
    await list_things(call, call.altus.routers, ROUTER, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, router: options.Router) -> None:
    """Show a router with its networks."""
    await call.show(await call.altus.routers.get(router), ROUTER)


@change(app, "create")
async def create(
    call: Call,
    name: options.NewName,
    project: options.InProject = None,
    label: options.WithLabel = Label.OPEN,
) -> None:
    """Create a router without networks."""
    from altus.sdk.shapes import make
    from altus.wire.routers import RouterCreate

    body = make(RouterCreate, name=name, project=project, label=label)
    await finish(call, call.altus.routers.create(body), call.altus.routers.get, ROUTER)


@change(app, "attach")
async def attach(call: Call, router: options.Router, network: options.Network) -> None:
    """Put a network on a router: it and the others there reach each other. Guests of an isolated network hear of its
    gateway when they ask for their address again."""
    await finish(call, call.altus.routers.attach(router, network), call.altus.routers.get, ROUTER)


@change(app, "detach")
async def detach(call: Call, router: options.Router, network: options.Network) -> None:
    """Take a network off a router, at once."""
    await finish(call, call.altus.routers.detach(router, network), call.altus.routers.get, ROUTER)


@change(app, "delete", asks=True)
async def delete(call: Call, router: options.Router) -> None:
    """Delete a router without networks."""
    confirm(call, f"Delete router {router}?")
    await finish(call, call.altus.routers.delete(router))
