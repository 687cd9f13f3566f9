"""Port forwards."""

from __future__ import annotations

from typing import Annotated

import typer

from altus.cli import completion, options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import confirm, finish
from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.listing import list_things
from altus.cli.text import ago
from altus.common.errors import InvalidInput
from altus.model.label import Label
from altus.model.translation import PortProtocol

app = group("Port forwards: ports of the outside that lead to VMs.")
FORWARD: AnyLayout = Layout(
    columns=(
        ("NAME", lambda forward: forward.name),
        ("STATE", lambda forward: forward.state.value),
        ("NETWORK", lambda forward: Ref("network", forward.network_id)),
        ("OUTSIDE", lambda forward: f"{forward.address or 'host'}:{forward.port}/{forward.protocol}"),
        ("VM", lambda forward: Ref("vm", forward.vm_id)),
        ("INSIDE", lambda forward: f"{forward.inside}:{forward.inside_port}"),
        ("CREATED", lambda forward: ago(forward.created_at)),
    ),
    details=(
        ("ID", lambda forward: forward.id),
        ("PROJECT", lambda forward: Ref("project", forward.project_id)),
        ("LABEL", lambda forward: forward.label.value),
        ("NIC", lambda forward: forward.nic_id),
    ),
)


def target(text: str) -> dict[str, str | int | None]:
    """`web1:22`, or `web1:NIC:22` with a NIC's id or MAC; `InvalidInput` (`client.usage`)."""
    whom, _, port = text.rpartition(":")
    vm, _, nic = whom.partition(":")
    if not vm or not port.isdecimal():
        raise InvalidInput(f"{text!r} is no port of a VM.", code="client.usage", hint="Write web1:22.")
    return {"vm": vm, "nic": nic or None, "to_port": int(port)}


@query(app, "list")
async def list_forwards(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List port forwards."""
    await list_things(call, call.altus.forwards, FORWARD, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, forward: options.Forward) -> None:
    """Show a port forward."""
    await call.show(await call.altus.forwards.get(forward), FORWARD)


@change(app, "create")
async def create(
    call: Call,
    network: Annotated[
        str,
        typer.Option(metavar="NETWORK", help="The VM's NAT network.", autocompletion=completion.of("networks")),
    ],
    port: Annotated[int, typer.Option(metavar="PORT", help="The port outside.", min=1, max=65535)],
    to: Annotated[str, typer.Option(metavar="VM[:NIC]:PORT", help="Where it leads; a NIC by id or MAC.")],
    protocol: Annotated[PortProtocol, typer.Option(help="What the ports are of.")] = PortProtocol.TCP,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A floating address; else it is that of the host by which the network goes out.",
            autocompletion=completion.of("floating_ips"),
        ),
    ] = None,
    project: options.InProject = None,
    label: options.WithLabel = Label.OPEN,
) -> None:
    """Lead a port of the outside to a VM, at once. The forward goes with the VM."""
    from altus.sdk.shapes import make
    from altus.wire.forwards import ForwardCreate

    body = make(ForwardCreate, network=network, protocol=protocol, port=port, address=address, project=project,
                label=label, **target(to))  # fmt: skip
    await finish(call, call.altus.forwards.create(body), call.altus.forwards.get, FORWARD)


@change(app, "delete", asks=True)
async def delete(call: Call, forward: options.Forward) -> None:
    """Delete a port forward. Connections over it end."""
    confirm(call, f"Delete port forward {forward}?")
    await finish(call, call.altus.forwards.delete(forward))
