"""Networks."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import confirm, finish
from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.listing import list_things
from altus.cli.output import Output, write_data, write_line
from altus.cli.text import ago, listed
from altus.model.label import Label
from altus.model.network import NetworkKind
from altus.model.security_group import Protocol

app = group("Networks of VMs.")
NETWORK: AnyLayout = Layout(
    columns=(
        ("NAME", lambda network: network.name),
        ("STATE", lambda network: network.state.value),
        ("KIND", lambda network: network.kind.value),
        ("ADDRESSES", lambda network: network.cidr),
        ("GATEWAY", lambda network: network.gateway),
        ("CREATED", lambda network: ago(network.created_at)),
    ),
    details=(
        ("ID", lambda network: network.id),
        ("PROJECT", lambda network: Ref("project", network.project_id)),
        ("LABEL", lambda network: network.label.value),
        ("DNS", lambda network: listed(network.dns)),
        ("MTU", lambda network: network.mtu),
        ("RESERVED", lambda network: listed(network.reserved)),
    ),
)


@query(app, "list")
async def list_networks(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List networks."""
    await list_things(call, call.altus.networks, NETWORK, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, network: options.Network) -> None:
    """Show a network."""
    await call.show(await call.altus.networks.get(network), NETWORK)


@query(app, "explain")
async def explain(
    call: Call,
    sender: Annotated[str, typer.Argument(metavar="FROM", help="The VM that sends, by name or id.")],
    receiver: Annotated[str, typer.Argument(metavar="TO", help="A VM, or an IPv4 address.")],
    port: Annotated[int | None, typer.Option(metavar="NUMBER", help="To this port; a ping if left out.")] = None,
    protocol: Annotated[Protocol | None, typer.Option(help="Of the packet; tcp with a port, icmp without.")] = None,
    nic: Annotated[str | None, typer.Option(metavar="NIC", help="The sender's NIC, by id or MAC.")] = None,
    trace: Annotated[bool, typer.Option("--trace", help="Show all that the network engine says about it.")] = False,
) -> None:
    """Show whether a packet would pass, and what decides it, such as `altus network explain web1 db1 --port 5432`.
    Nothing is sent."""
    from altus.sdk.shapes import make
    from altus.wire.network_trace import NetworkQuestion

    question = make(NetworkQuestion, sender=sender, receiver=receiver, port=port, nic=nic,
                    protocol=protocol or (Protocol.ICMP if port is None else Protocol.TCP))  # fmt: skip
    answer = await call.altus.networks.explain(question)
    if call.output is not Output.TABLE:
        write_data(call.output, answer.model_dump(mode="json"))
        return
    for line in ["It passes." if answer.passes else "It does not pass.", *answer.reasons]:
        write_line(line)
    if trace:
        write_line(answer.trace)


@change(app, "create")
async def create(
    call: Call,
    name: options.NewName,
    cidr: Annotated[str, typer.Option(metavar="CIDR", help="Its addresses, such as 10.1.0.0/24.")],
    kind: Annotated[NetworkKind, typer.Option(help="With a way out, or without.")] = NetworkKind.NAT,
    gateway: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Its first address if left out.")] = None,
    dns: Annotated[
        list[str], typer.Option(metavar="ADDRESS", help="A name server for its guests; repeatable.")
    ] = options.NONE,
    mtu: Annotated[int | None, typer.Option(metavar="BYTES", help="Largest packet.")] = None,
    reserve: Annotated[
        list[str],
        typer.Option(metavar="RANGE", help="Addresses (first-last) that only NICs get which ask for one; repeatable."),
    ] = options.NONE,
    project: options.InProject = None,
    label: options.WithLabel = Label.OPEN,
) -> None:
    """Create a network with DHCP."""
    from altus.sdk.shapes import make
    from altus.wire.resources import NetworkCreate

    given: dict[str, Any] = {} if mtu is None else {"mtu": mtu}
    given |= {"reserved": reserve} if reserve else {}
    body = make(NetworkCreate, name=name, cidr=cidr, kind=kind, gateway=gateway, dns=dns, project=project, label=label,
                **given)  # fmt: skip
    await finish(call, call.altus.networks.create(body), call.altus.networks.get, NETWORK)


@change(app, "delete", asks=True)
async def delete(call: Call, network: options.Network) -> None:
    """Delete a network that nobody uses."""
    confirm(call, f"Delete network {network}?")
    await finish(call, call.altus.networks.delete(network))
