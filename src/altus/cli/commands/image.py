"""Images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.finish import at_once, confirm, finish
from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.listing import list_things
from altus.cli.text import ago, size, yes_no
from altus.common.errors import Conflict, NotFound
from altus.model.image import BuiltinImage, ImageState
from altus.model.label import Label

if TYPE_CHECKING:
    from altus.wire.resources import ImageCreate, ImageView

app = group("Images that VMs are made from.")
IMAGE: AnyLayout = Layout(
    columns=(
        ("NAME", lambda image: image.name),
        ("STATE", lambda image: image.state.value),
        ("SIZE", lambda image: size(image.size)),
        ("STORED", lambda image: size(image.file_size)),
        ("FORMAT", lambda image: image.source_format.value if image.source_format else ""),
        ("STORAGE", lambda image: Ref("storage", image.storage_id)),
        ("CREATED", lambda image: ago(image.created_at)),
    ),
    details=(
        ("ID", lambda image: image.id),
        ("PROJECT", lambda image: Ref("project", image.project_id)),
        ("LABEL", lambda image: image.label.value),
        ("SHA256", lambda image: image.sha256),
        ("OWN KERNEL", lambda image: yes_no(image.direct_boot)),
        ("BUILT AS", lambda image: image.built.value if image.built else ""),
    ),
)


@query(app, "list")
async def list_images(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List images."""
    await list_things(call, call.altus.images, IMAGE, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, image: options.Image) -> None:
    """Show an image."""
    await call.show(await call.altus.images.get(image), IMAGE)


@change(app, "import")
async def import_image(
    call: Call,
    name: options.NewName,
    file: options.ExistingFile,
    storage: options.OnStorage = None,
    project: options.InProject = None,
    label: options.WithLabel = Label.OPEN,
) -> None:
    """Import a disk image: raw, qcow2, VMDK, VHD, VHDX or ISO, told by its content. Interrupted, the same command goes
    on where it ended."""
    from altus.sdk.shapes import make
    from altus.wire.resources import ImageCreate

    if call.plan:
        title = f"Send {file} ({size(file.stat().st_size)}), check, convert and store it as image {name}"
        await at_once(call, title, "image.import", name, _nothing)
        return
    body = make(ImageCreate, name=name, storage=storage, project=project, label=label)
    image = await _begun(call, body)
    call.interrupted = lambda: "The same command goes on where this one ended; `altus image delete` gives it up."
    await call.altus.images.upload(image.id, file, lambda sent, whole: call.progress.tell(_sent(name, sent, whole)))
    await finish(call, call.altus.images.finish(image.id), call.altus.images.get, IMAGE)


@change(app, "build")
async def build(
    call: Call,
    image: Annotated[BuiltinImage, typer.Argument(help="Which one.")],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Another name for it.")] = None,
    storage: options.OnStorage = None,
) -> None:
    """Build one of Altus' own images from Debian packages."""
    from altus.sdk.shapes import make
    from altus.wire.resources import ImageBuild

    body = make(ImageBuild, image=image, name=name, storage=storage)
    await finish(call, call.altus.images.build(body), call.altus.images.get, IMAGE)


@change(app, "delete", asks=True)
async def delete(call: Call, image: options.Image) -> None:
    """Delete an image that nobody needs, or give up an upload."""
    confirm(call, f"Delete image {image}?")
    await finish(call, call.altus.images.delete(image))


async def _begun(call: Call, body: ImageCreate) -> ImageView:
    """The new image, or the one whose upload was begun before."""
    try:
        return await call.altus.images.begin(body)
    except Conflict as taken:
        try:
            there = await call.altus.images.get(body.name)
        except NotFound:
            raise taken from None
        if there.state is not ImageState.UPLOADING:
            raise
        return there


def _sent(name: str, sent: int, whole: int) -> str:
    """In steps of five percent, so that logs stay short."""
    share = sent / whole if whole else 1.0
    return f"Import image {name}: {int(share * 20) * 5}% of {size(whole)} sent"


async def _nothing() -> None:
    """A plan does nothing."""
