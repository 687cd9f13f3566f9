"""Hosts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from altus.cli import completion, options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import at_once, confirm, finish
from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.listing import list_things
from altus.cli.plan import show_plan
from altus.cli.text import ago, listed, size, yes_no
from altus.model.host import HostState
from altus.model.label import Label

app = group("The servers that VMs run on.")
maintenance = group("Hosts that take no VMs for a while.")


def _cpu(host: Any) -> str:
    if host.facts is None:
        return ""
    cpu = host.facts.cpu
    virtualization = listed(filter(None, (cpu.virtualization, cpu.nested_paging))) or "no virtualization"
    return f"{cpu.model}: {cpu.sockets} sockets, {cpu.cores} cores, {cpu.threads} threads, {virtualization}"


_HEARD = (HostState.UP, HostState.MAINTENANCE)
"""Where its last complete account of itself is older than its last sign of life."""


def _guest_cpus(host: Any) -> str:
    offer = host.facts.guest_cpus if host.facts else None
    return "" if offer is None else f"{listed(offer.models) or 'none'}, with up to {len(offer.features)} features"


def _warnings(host: Any) -> str:
    return "\n".join(filter(None, (host.cpu_refusal, *(host.facts.warnings if host.facts else ()))))


HOST: AnyLayout = Layout(
    columns=(
        ("NAME", lambda host: host.name),
        ("STATE", lambda host: host.state.value),
        ("CPUS", lambda host: host.facts.cpu.threads if host.facts else ""),
        ("MEMORY", lambda host: size(host.facts.memory) if host.facts else ""),
        ("GUESTS RUN BY", lambda host: host.facts.acceleration.value if host.facts else ""),
        ("ADDRESS", lambda host: host.address),
        ("SEEN", lambda host: "now" if host.state in _HEARD else ago(host.seen_at)),
    ),
    details=(
        ("ID", lambda host: host.id),
        ("LABEL", lambda host: host.label.value),
        ("POOL", lambda host: Ref("pool", host.pool_id)),
        ("TAGS", lambda host: listed(host.tags)),
        ("RESERVED", lambda host: f"{host.reserved_vcpus} threads, {size(host.reserved_memory)} of memory"),
        ("MIGRATIONS AT ONCE", lambda host: host.migrations),
        ("MAINTENANCE", lambda host: "asked for" if host.maintenance else "no"),
        ("CPU", _cpu),
        ("GUESTS' CPUS", _guest_cpus),
        ("WHY", lambda host: host.facts.acceleration_reason if host.facts else ""),
        ("DATAPATH", lambda host: host.facts.datapath if host.facts else ""),
        ("IOMMU", lambda host: yes_no(host.facts.iommu) if host.facts else ""),
        ("DISKS", lambda host: "\n".join(f"{d.name}  {size(d.size)}  {d.model}" for d in host.facts.disks)
                  if host.facts else ""),
        ("NICS", lambda host: "\n".join(f"{n.name}  {n.mac}  {n.driver}" for n in host.facts.nics)
                 if host.facts else ""),
        ("VERSIONS", lambda host: listed(f"{k} {v}" for k, v in host.facts.versions.items()) if host.facts else ""),
        ("WARNINGS", _warnings),
    ),
)  # fmt: skip
UNMANAGED: AnyLayout = Layout(
    columns=(
        ("NAME", lambda domain: domain.name),
        ("UUID", lambda domain: domain.id),
        ("STATE", lambda domain: domain.state.value),
        ("VCPUS", lambda domain: domain.vcpus),
        ("MEMORY", lambda domain: size(domain.memory)),
        ("DISKS", lambda domain: listed(disk.path for disk in domain.disks)),
        ("MADE BY", lambda domain: "Altus" if domain.ours else "others"),
        ("CANNOT BE ADOPTED", lambda domain: "\n".join(domain.refusals)),
    ),
)
TOKEN: AnyLayout = Layout((("HOST", lambda made: made.name), ("TOKEN (SHOWN THIS ONCE)", lambda made: made.token)))


@query(app, "list")
async def list_hosts(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List hosts."""
    await list_things(call, call.altus.hosts, HOST, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, host: options.Host) -> None:
    """Show a host as it describes itself."""
    await call.show(await call.altus.hosts.get(host), HOST)


@query(app, "unmanaged")
async def unmanaged(call: Call, host: options.Host) -> None:
    """List domains on a host that are no VMs of Altus, whoever made them."""
    await call.show_page((await call.altus.hosts.unmanaged(host)).items, None, UNMANAGED)


@change(app, "add")
async def add(call: Call, name: options.NewName, label: options.WithLabel = Label.OPEN) -> None:
    """Print a one-time token with which a host joins the pool (`altus-agent enrol`), or comes again after it lost its
    key."""
    title = f"Make an enrolment token for host {name}"
    await at_once(call, title, "host.enrol", name, lambda: call.altus.hosts.enrol_token(name, label), TOKEN)


@change(app, "edit")
async def edit(
    call: Call,
    host: options.Host,
    pool: Annotated[
        str | None,
        typer.Option(metavar="POOL", help="The pool it belongs to.", autocompletion=completion.of("pools")),
    ] = None,
    tags: Annotated[
        list[str], typer.Option("--tag", metavar="TAG", help="A word that VMs may ask for; repeatable, replaces all.")
    ] = options.NONE,
    no_tags: Annotated[bool, typer.Option("--no-tags", help="Take all tags away.")] = False,
    reserved_vcpus: Annotated[
        int | None, typer.Option("--reserve-vcpus", metavar="NUMBER", help="Threads that VMs do not get.", min=0)
    ] = None,
    reserved_memory: Annotated[
        int | None,
        typer.Option("--reserve-memory", parser=options.SIZE, metavar="SIZE", help="Memory that VMs do not get."),
    ] = None,
) -> None:
    """Change a host's pool, its tags, and what it keeps for itself."""
    from altus.sdk.shapes import make
    from altus.wire.resources import HostEdit

    body = make(HostEdit, pool=pool, tags=tags or ([] if no_tags else None), reserved_vcpus=reserved_vcpus,
                reserved_memory=reserved_memory)  # fmt: skip
    await at_once(call, f"Change host {host}", "host.edit", host, lambda: call.altus.hosts.edit(host, body), HOST)


@change(app, "renew")
async def renew(call: Call, host: options.Host) -> None:
    """Give a host a new key and certificate, and revoke its old one; VMs run on. The manager does so by itself before a
    certificate expires."""
    await finish(call, call.altus.hosts.renew(host), call.altus.hosts.get, HOST)


@change(app, "remove", asks=True)
async def remove(call: Call, host: options.Host) -> None:
    """Take an empty host in maintenance out of the pool; its certificate is revoked."""
    confirm(call, f"Take host {host} out of the pool?")
    await finish(call, call.altus.hosts.remove(host))


@change(app, "forget", asks=True)
async def forget(call: Call, host: options.Host) -> None:
    """Give up a dead host: VMs, volumes and images that only it reached are lost (`--plan` names them). Be sure that it
    is off."""
    if not (call.yes or call.plan):
        await show_plan(call, await call.altus.hosts.forget(host).plan())
    confirm(call, f"Is host {host} off for ever, and is all this to be given up?")
    await finish(call, call.altus.hosts.forget(host))


@change(maintenance, "on")
async def maintenance_on(call: Call, host: options.Host) -> None:
    """Let a host take no VMs any more, so that it can be worked on; those that run on it move to other hosts. Refused,
    naming them, if some cannot."""
    await finish(call, call.altus.hosts.maintain(host), call.altus.hosts.get, HOST)


@change(maintenance, "off")
async def maintenance_off(call: Call, host: options.Host) -> None:
    """Let a host take VMs again."""
    await finish(call, call.altus.hosts.activate(host), call.altus.hosts.get, HOST)


app.add_typer(maintenance, name="maintenance")
