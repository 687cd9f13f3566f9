"""Hosts."""

from __future__ import annotations

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import at_once
from altus.cli.layout import AnyLayout, Layout
from altus.cli.listing import list_things
from altus.cli.text import ago, listed, size, yes_no
from altus.model.label import Label

app = group("The servers that VMs run on.")


def _cpu(host: object) -> str:
    facts = getattr(host, "facts", None)
    if facts is None:
        return ""
    cpu = facts.cpu
    virtualization = listed(filter(None, (cpu.virtualization, cpu.nested_paging))) or "no virtualization"
    return f"{cpu.model}: {cpu.sockets} sockets, {cpu.cores} cores, {cpu.threads} threads, {virtualization}"


HOST: AnyLayout = Layout(
    columns=(
        ("NAME", lambda host: host.name),
        ("STATE", lambda host: host.state.value),
        ("CPUS", lambda host: host.facts.cpu.threads if host.facts else ""),
        ("MEMORY", lambda host: size(host.facts.memory) if host.facts else ""),
        ("GUESTS RUN BY", lambda host: host.facts.acceleration.value if host.facts else ""),
        ("ADDRESS", lambda host: host.address),
        ("SEEN", lambda host: ago(host.seen_at)),
    ),
    details=(
        ("ID", lambda host: host.id),
        ("LABEL", lambda host: host.label.value),
        ("CPU", _cpu),
        ("WHY", lambda host: host.facts.acceleration_reason if host.facts else ""),
        ("DATAPATH", lambda host: host.facts.datapath if host.facts else ""),
        ("IOMMU", lambda host: yes_no(host.facts.iommu) if host.facts else ""),
        ("DISKS", lambda host: "\n".join(f"{d.name}  {size(d.size)}  {d.model}" for d in host.facts.disks)
                  if host.facts else ""),
        ("NICS", lambda host: "\n".join(f"{n.name}  {n.mac}  {n.driver}" for n in host.facts.nics)
                 if host.facts else ""),
        ("VERSIONS", lambda host: listed(f"{k} {v}" for k, v in host.facts.versions.items()) if host.facts else ""),
        ("WARNINGS", lambda host: "\n".join(host.facts.warnings) if host.facts else ""),
    ),
)  # fmt: skip
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


@change(app, "enrol-token")
async def enrol_token(call: Call, name: options.NewName, label: options.WithLabel = Label.OPEN) -> None:
    """Make a one-time token with which a host joins the pool (`altus-agent enrol`)."""
    title = f"Make an enrolment token for host {name}"
    await at_once(call, title, "host.enrol", name, lambda: call.altus.hosts.enrol_token(name, label), TOKEN)
