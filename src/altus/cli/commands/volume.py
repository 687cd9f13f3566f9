"""Volumes."""

from __future__ import annotations

from typing import Annotated

import typer

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import confirm, finish
from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.listing import list_things
from altus.cli.text import ago, size
from altus.model.label import Label

app = group("Disks of VMs.")
VOLUME: AnyLayout = Layout(
    columns=(
        ("NAME", lambda volume: volume.name),
        ("STATE", lambda volume: volume.state.value),
        ("SIZE", lambda volume: size(volume.size)),
        ("TAKES", lambda volume: size(volume.allocation)),
        ("VM", lambda volume: Ref("vm", volume.vm_id)),
        ("STORAGE", lambda volume: Ref("storage", volume.storage_id)),
        ("CREATED", lambda volume: ago(volume.created_at)),
    ),
    details=(
        ("ID", lambda volume: volume.id),
        ("PROJECT", lambda volume: Ref("project", volume.project_id)),
        ("LABEL", lambda volume: volume.label.value),
        ("MADE FROM", lambda volume: f"{volume.base.kind} {volume.base.id}" if volume.base else ""),
    ),
)
Size = Annotated[int, typer.Argument(metavar="SIZE", parser=options.SIZE, help="Such as 20G.")]


@query(app, "list")
async def list_volumes(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List volumes."""
    await list_things(call, call.altus.volumes, VOLUME, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, volume: options.Volume) -> None:
    """Show a volume."""
    await call.show(await call.altus.volumes.get(volume), VOLUME)


@change(app, "create")
async def create(
    call: Call,
    name: options.NewName,
    size: Annotated[int | None, typer.Option(parser=options.SIZE, metavar="SIZE", help="Such as 20G.")] = None,
    image: options.FromImage = None,
    full: options.FullCopy = False,
    storage: options.OnStorage = None,
    project: options.InProject = None,
    label: options.WithLabel = Label.OPEN,
) -> None:
    """Create a volume, empty or from an image."""
    from altus.sdk.shapes import make
    from altus.wire.resources import VolumeCreate

    body = make(VolumeCreate, name=name, size=size, image=image, linked=not full, storage=storage, project=project,
                label=label)  # fmt: skip
    await finish(call, call.altus.volumes.create(body), call.altus.volumes.get, VOLUME)


@change(app, "resize")
async def resize(call: Call, volume: options.Volume, size: Size) -> None:
    """Grow a volume to a new size."""
    from altus.sdk.shapes import make
    from altus.wire.resources import VolumeResize

    change_ = call.altus.volumes.resize(volume, make(VolumeResize, size=size))
    await finish(call, change_, call.altus.volumes.get, VOLUME)


@change(app, "delete", asks=True)
async def delete(call: Call, volume: options.Volume) -> None:
    """Delete a volume that no VM has."""
    confirm(call, f"Delete volume {volume} and its data?")
    await finish(call, call.altus.volumes.delete(volume))
