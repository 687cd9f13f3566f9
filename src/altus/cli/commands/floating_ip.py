"""Floating addresses."""

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
from altus.model.label import Label

app = group("Floating addresses: addresses of the outside that lead to VMs.")
FLOATING_IP: AnyLayout = Layout(
    columns=(
        ("ADDRESS", lambda floating: floating.address),
        ("STATE", lambda floating: floating.state.value),
        ("NETWORK", lambda floating: Ref("network", floating.network_id)),
        ("VM", lambda floating: Ref("vm", floating.vm_id) if floating.vm_id else ""),
        ("INSIDE", lambda floating: floating.inside),
        ("CREATED", lambda floating: ago(floating.created_at)),
    ),
    details=(
        ("ID", lambda floating: floating.id),
        ("PROJECT", lambda floating: Ref("project", floating.project_id)),
        ("LABEL", lambda floating: floating.label.value),
        ("NIC", lambda floating: floating.nic_id),
    ),
)


@query(app, "list")
async def list_floating_ips(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List floating addresses."""
    await list_things(call, call.altus.floating_ips, FLOATING_IP, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, floating_ip: options.FloatingIp) -> None:
    """Show a floating address."""
    await call.show(await call.altus.floating_ips.get(floating_ip), FLOATING_IP)


@change(app, "create")
async def create(
    call: Call,
    network: Annotated[
        str,
        typer.Option(metavar="NETWORK", help="A NAT network.", autocompletion=completion.of("networks")),
    ],
    address: Annotated[str, typer.Option(metavar="ADDRESS", help="This one instead of any that is free.")] = "",
    project: options.InProject = None,
    label: options.WithLabel = Label.OPEN,
) -> None:
    """Create a floating address for VMs on a NAT network. Which ones there are, `altus pool edit --outside` says."""
    from altus.sdk.shapes import make
    from altus.wire.floating_ips import FloatingIpCreate

    body = make(FloatingIpCreate, network=network, address=address, project=project, label=label)
    await finish(call, call.altus.floating_ips.create(body), call.altus.floating_ips.get, FLOATING_IP)


@change(app, "attach")
async def attach(
    call: Call,
    floating_ip: options.FloatingIp,
    vm: Annotated[
        str,
        typer.Argument(
            metavar="VM[:NIC]", help="A VM, with the id or MAC of its NIC if there are several on the network."
        ),
    ],
) -> None:
    """Lead a floating address to a VM, at once. What the VM sends leaves with it."""
    from altus.sdk.shapes import make
    from altus.wire.floating_ips import FloatingIpAttach

    name, _, nic = vm.partition(":")
    body = make(FloatingIpAttach, vm=name, nic=nic or None)
    await finish(call, call.altus.floating_ips.attach(floating_ip, body), call.altus.floating_ips.get, FLOATING_IP)


@change(app, "detach")
async def detach(call: Call, floating_ip: options.FloatingIp) -> None:
    """Lead a floating address nowhere; it stays yours. Connections over it end."""
    await finish(call, call.altus.floating_ips.detach(floating_ip), call.altus.floating_ips.get, FLOATING_IP)


@change(app, "delete", asks=True)
async def delete(call: Call, floating_ip: options.FloatingIp) -> None:
    """Give back a floating address that leads nowhere."""
    confirm(call, f"Delete floating address {floating_ip}?")
    await finish(call, call.altus.floating_ips.delete(floating_ip))
