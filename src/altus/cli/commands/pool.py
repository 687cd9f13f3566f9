"""Pools of hosts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import at_once, confirm
from altus.cli.layout import AnyLayout, Layout
from altus.cli.listing import list_things
from altus.cli.text import ago, cpu, listed

app = group("Pools: hosts that VMs may run on alike.")


def _baselines(pool: Any) -> str:
    """Each with the hosts that make it what it is."""
    lines = []
    for found in pool.baselines:
        lines.append(f"{cpu(found.cpu) or 'none'}, where guests run by {found.acceleration}")
        lines += [f"limited by {one.host_name}: no {listed(one.lacks)}" for one in found.limited_by]
        lines += [f"refuses {one.host_name}: {one.reason}" for one in found.refused]
    return "\n".join(lines)


def _features(pool: Any) -> str:
    """In full: it is where the VMs' ones come from."""
    return "\n".join(listed(found.cpu.features) for found in pool.baselines if found.cpu is not None)


POOL: AnyLayout = Layout(
    columns=(
        ("NAME", lambda pool: pool.name),
        ("VCPUS PER THREAD", lambda pool: f"{pool.vcpu_ratio:g}"),
        ("MEMORY PER BYTE", lambda pool: f"{pool.memory_ratio:g}"),
        ("CPU", lambda pool: pool.cpu_model),
        ("CREATED", lambda pool: ago(pool.created_at)),
    ),
    details=(
        ("ID", lambda pool: pool.id),
        ("VMS ARE GIVEN", _baselines),
        ("FEATURES", _features),
        ("OUTSIDE ADDRESSES", lambda pool: pool.outside),
    ),
)
VcpuRatio = Annotated[
    float | None, typer.Option("--vcpu-ratio", metavar="NUMBER", help="vCPUs promised for each thread of a host.")
]
MemoryRatio = Annotated[
    float | None, typer.Option("--memory-ratio", metavar="NUMBER", help="Memory promised for each byte of a host.")
]
CpuModel = Annotated[
    str | None,
    typer.Option(
        "--cpu",
        metavar="MODEL",
        help="The CPU of its VMs, such as Haswell; `auto` for the most that all hosts can give.",
    ),
]
Outside = Annotated[
    str | None,
    typer.Option(
        "--outside", metavar="FIRST-LAST", help="Addresses of the outside that VMs get as floating ones; '' for none."
    ),
]


@query(app, "list")
async def list_pools(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List pools."""
    await list_things(call, call.altus.pools, POOL, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, pool: options.Pool) -> None:
    """Show a pool."""
    await call.show(await call.altus.pools.get(pool), POOL)


@change(app, "create")
async def create(
    call: Call,
    name: options.NewName,
    vcpu_ratio: VcpuRatio = None,
    memory_ratio: MemoryRatio = None,
    cpu_model: CpuModel = None,
    outside: Outside = None,
) -> None:
    """Create a pool. Hosts get into it by `altus host edit --pool`."""
    from altus.sdk.shapes import make
    from altus.wire.pools import PoolCreate

    given = _given(vcpu_ratio=vcpu_ratio, memory_ratio=memory_ratio, cpu_model=cpu_model, outside=outside)
    body = make(PoolCreate, name=name, **given)
    await at_once(call, f"Create pool {name}", "pool.create", name, lambda: call.altus.pools.create(body), POOL)


@change(app, "edit")
async def edit(
    call: Call,
    pool: options.Pool,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Another name.")] = None,
    vcpu_ratio: VcpuRatio = None,
    memory_ratio: MemoryRatio = None,
    cpu_model: CpuModel = None,
    outside: Outside = None,
) -> None:
    """Change what a pool promises of its hosts, and the CPU that VMs have from their next start."""
    from altus.sdk.shapes import make
    from altus.wire.pools import PoolEdit

    given = _given(vcpu_ratio=vcpu_ratio, memory_ratio=memory_ratio, cpu_model=cpu_model, outside=outside)
    body = make(PoolEdit, name=name, **given)
    await at_once(call, f"Change pool {pool}", "pool.edit", pool, lambda: call.altus.pools.edit(pool, body), POOL)


@change(app, "delete", asks=True)
async def delete(call: Call, pool: options.Pool) -> None:
    """Delete a pool without hosts."""
    confirm(call, f"Delete pool {pool}?")
    await at_once(call, f"Delete pool {pool}", "pool.delete", pool, lambda: call.altus.pools.delete(pool))


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
