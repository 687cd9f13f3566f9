"""Image tasks: `image.import`, `image.build`, `image.delete`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import IMAGE, STORAGE, VM, VOLUME
from altus.manager.tasks.declare import Action, Step, TaskType
from altus.manager.tasks.outcome import refused
from altus.manager.tasks.run import Run
from altus.manager.tasks.volume_tasks import storage_host
from altus.model.image import BuiltinImage, Image, ImageFacts, ImageState
from altus.model.label import require_combinable
from altus.model.permission import Permission
from altus.model.task import exclusive
from altus.wire.operations import IMAGE_BUILD, IMAGE_DELETE, IMAGE_IMPORT, ImageBuild, ImageRef

_FACTS = TypeAdapter(ImageFacts)


@dataclass(frozen=True, kw_only=True)
class ImageMake:
    """The image as it will be stored."""

    image: Image


@dataclass(frozen=True, kw_only=True)
class ImageRemove:
    """Which image."""

    image_id: str


async def _check_make(run: Run[ImageMake]) -> None:
    image = run.args.image
    storage = await run.db.read(lambda tx: STORAGE.get(tx, image.storage_id))
    require_combinable(f"Keeping image {image.name} on storage {storage.name}", image.label, storage.label)


async def _import(run: Run[ImageMake]) -> Any:
    image = run.args.image
    host_id = await run.db.read(lambda tx: storage_host(tx, image.storage_id))
    made = await run.call(host_id, IMAGE_IMPORT, ImageRef(storage_id=image.storage_id, image_id=image.id))
    return _FACTS.dump_python(made.facts, mode="json")


async def _build(run: Run[ImageMake]) -> Any:
    image = run.args.image
    host_id = await run.db.read(lambda tx: storage_host(tx, image.storage_id))
    request = ImageBuild(storage_id=image.storage_id, image_id=image.id, builtin=image.built or BuiltinImage.TINY)
    return _FACTS.dump_python((await run.call(host_id, IMAGE_BUILD, request)).facts, mode="json")


async def _unmake(run: Run[ImageMake]) -> None:
    image = run.args.image
    host_id = await run.db.read(lambda tx: storage_host(tx, image.storage_id))
    await run.call(host_id, IMAGE_DELETE, ImageRef(storage_id=image.storage_id, image_id=image.id))


def _made(run: Run[ImageMake], tx: Tx) -> None:
    facts = _FACTS.validate_python(run.result_of("store"))
    IMAGE.change(tx, facts.id, state=ImageState.READY, size=facts.size, file_size=facts.file_size, sha256=facts.sha256,
                 source_format=facts.source_format, direct_boot=facts.direct_boot, cmdline=facts.cmdline)  # fmt: skip


def _failed(run: Run[ImageMake], tx: Tx) -> None:
    IMAGE.change(tx, run.args.image.id, state=ImageState.FAILED)


def users(tx: Tx, image_id: str) -> list[str]:
    """Names of what needs the image: linked volumes, and VMs that boot its kernel or have it in their drive."""
    volumes = [v.name for v in VOLUME.all(tx) if v.base is not None and v.base.linked and v.base.id == image_id]
    drives = [vm.name for vm in VM.all(tx) if image_id in (vm.hardware.kernel_image_id, vm.hardware.cdrom_image_id)]
    return volumes + drives


async def _check_remove(run: Run[ImageRemove]) -> None:
    def look(tx: Tx) -> None:
        image = IMAGE.get(tx, run.args.image_id)
        needed = users(tx, image.id)
        if needed:
            more = f" and {len(needed) - 5} more" if len(needed) > 5 else ""
            raise Conflict(f"Image {image.name} is needed by {', '.join(needed[:5])}{more}.", code="image.in_use",
                           hint="Delete those first.")  # fmt: skip

    await run.db.read(look)


async def _mark(run: Run[ImageRemove]) -> None:
    run.write(lambda tx: IMAGE.change(tx, run.args.image_id, state=ImageState.DELETING))


async def _remove(run: Run[ImageRemove]) -> None:
    def look(tx: Tx) -> tuple[str, Image]:
        image = IMAGE.get(tx, run.args.image_id)
        return storage_host(tx, image.storage_id), image

    host_id, image = await run.db.read(look)
    await run.call(host_id, IMAGE_DELETE, ImageRef(storage_id=image.storage_id, image_id=image.id))


def _remove_failed(run: Run[ImageRemove], tx: Tx) -> None:
    """What storage refused to remove, because a volume that nobody knows needs it, is as good as before."""
    state = ImageState.READY if refused(run.task) else ImageState.FAILED
    IMAGE.change(tx, run.args.image_id, state=state)


def _making(kind: str, title: str, step: str, do: Action[ImageMake]) -> TaskType[ImageMake]:
    return TaskType(
        kind,
        ImageMake,
        title=title,
        permission=Permission.IMAGE_WRITE,
        noun="image",
        locks=lambda args: [exclusive("image", args.image.id)],
        check=_check_make,
        steps=(Step("store", step, do, undo=_unmake),),
        on_success=_made,
        on_undone=lambda run, tx: IMAGE.delete(tx, run.args.image.id),
        on_stuck=_failed,
    )


IMAGE_IMPORT_TASK = _making("image.import", "Import image", "Check, convert and store the image", _import)
IMAGE_BUILD_TASK = _making("image.build", "Build image", "Build and store the image", _build)
IMAGE_DELETE_TASK = TaskType(
    "image.delete",
    ImageRemove,
    title="Delete image",
    permission=Permission.IMAGE_WRITE,
    noun="image",
    locks=lambda args: [exclusive("image", args.image_id)],
    check=_check_remove,
    steps=(
        Step("mark", "Mark the image as being deleted", _mark, commits=True),
        Step("delete", "Remove the image from its storage", _remove),
    ),
    on_success=lambda run, tx: IMAGE.delete(tx, run.args.image_id),
    on_stuck=_remove_failed,
    cancellable=False,
)
IMAGE_TASKS = (IMAGE_IMPORT_TASK, IMAGE_BUILD_TASK, IMAGE_DELETE_TASK)
