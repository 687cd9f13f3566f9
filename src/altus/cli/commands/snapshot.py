"""Snapshots of VMs."""

from __future__ import annotations

import functools
from typing import Annotated, Any

import typer

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import confirm, finish
from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.text import ago, size

app = group("Snapshots: what the disks of a VM held at one instant.")
Snapshot = Annotated[str, typer.Argument(metavar="SNAPSHOT", help="Name or id, as `altus snapshot list` tells.")]
SNAPSHOT: AnyLayout = Layout(
    columns=(
        ("NAME", lambda snapshot: snapshot.name),
        ("STATE", lambda snapshot: snapshot.state.value),
        ("CURRENT", lambda snapshot: "yes" if snapshot.current else ""),
        ("DISKS", lambda snapshot: len(snapshot.disks)),
        ("TAKEN", lambda snapshot: ago(snapshot.created_at)),
        ("DESCRIPTION", lambda snapshot: snapshot.description),
    ),
    details=(
        ("ID", lambda snapshot: snapshot.id),
        ("SCHEDULE", lambda snapshot: Ref("snapshot_schedule", snapshot.schedule_id)),
        ("PARENT", lambda snapshot: snapshot.parent_id or ""),
        ("VCPUS", lambda snapshot: snapshot.vcpus),
        ("MEMORY", lambda snapshot: size(snapshot.memory)),
        ("VOLUMES", lambda snapshot: "\n".join(f"{disk.volume_id}  {size(disk.size)}" for disk in snapshot.disks)),
    ),
)


@query(app, "list")
async def list_snapshots(call: Call, vm: options.Vm, filters: options.Filters = options.NONE,
                         sort: options.Sort = "created_at") -> None:  # fmt: skip
    """List the snapshots of a VM, the oldest first."""
    items = [one async for one in call.altus.snapshots.each(vm, filters, sort=sort)]
    await call.show_page(items, None, SNAPSHOT)


@query(app, "tree")
async def tree(call: Call, vm: options.Vm) -> None:
    """List the snapshots of a VM below the ones on which they were taken."""
    from altus.model.snapshot import tree as sorted_tree

    views = [one async for one in call.altus.snapshots.each(vm)]
    depths = sorted_tree(views)
    await call.show_page([one for _, one in depths], None, _indented({one.id: depth for depth, one in depths}))


@query(app, "show")
async def show(call: Call, vm: options.Vm, snapshot: Snapshot) -> None:
    """Show a snapshot."""
    await call.show(await call.altus.snapshots.get(vm, snapshot), SNAPSHOT)


@change(app, "create")
async def create(
    call: Call,
    vm: options.Vm,
    name: options.NewName,
    description: Annotated[str, typer.Option(metavar="TEXT", help="For people.")] = "",
    quiesce: Annotated[
        bool, typer.Option("--quiesce", help="Have a running guest's agent write its file systems out before.")
    ] = False,
) -> None:
    """Take a snapshot of all disks of a VM, at one instant. A running guest goes on; without --quiesce its disks are
    kept as after a power cut. It takes no room until the VM writes."""
    from altus.sdk.shapes import make
    from altus.wire.snapshots import SnapshotCreate

    body = make(SnapshotCreate, name=name, description=description, quiesce=quiesce)
    get = functools.partial(call.altus.snapshots.get, vm)
    await finish(call, call.altus.snapshots.create(vm, body), get, SNAPSHOT)


@change(app, "revert", asks=True)
async def revert(call: Call, vm: options.Vm, snapshot: Snapshot) -> None:
    """Let a VM be as it was when the snapshot was taken. A running one's power is cut, and it starts again."""
    confirm(call, f"Revert VM {vm} to snapshot {snapshot}, and lose what its disks got since?")
    get = functools.partial(call.altus.snapshots.get, vm)
    await finish(call, call.altus.snapshots.revert(vm, snapshot), get, SNAPSHOT)


@change(app, "keep")
async def keep(call: Call, vm: options.Vm, snapshot: Snapshot) -> None:
    """Keep a snapshot that a schedule took, until you delete it."""
    get = functools.partial(call.altus.snapshots.get, vm)
    await finish(call, call.altus.snapshots.keep(vm, snapshot), get, SNAPSHOT)


@change(app, "delete", asks=True)
async def delete(call: Call, vm: options.Vm, snapshot: Snapshot) -> None:
    """Delete a snapshot of a VM that is off, whichever: the VM and its other snapshots stay as they are."""
    confirm(call, f"Delete snapshot {snapshot} of VM {vm}?")
    await finish(call, call.altus.snapshots.delete(vm, snapshot))


def _indented(depths: dict[str, int]) -> AnyLayout:
    def name(snapshot: Any) -> str:
        depth = depths[snapshot.id]
        return f"{'   ' * (depth - 1)}└─ {snapshot.name}" if depth else str(snapshot.name)

    return Layout(columns=(("NAME", name), *SNAPSHOT.columns[1:]))
