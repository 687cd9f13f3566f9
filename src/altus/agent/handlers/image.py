"""Operations on images."""

from __future__ import annotations

from altus.agent.drivers import HostDrivers
from altus.agent.handlers.declare import Handler, Report
from altus.model.image import ImageFacts
from altus.wire.operations import (
    IMAGE_BUILD,
    IMAGE_DELETE,
    IMAGE_IMPORT,
    ImageBuild,
    ImageMade,
    ImageRef,
    Nothing,
)

_BUILT = 0.9  # the share of building in building and storing


async def _import(host: HostDrivers, request: ImageRef, report: Report) -> ImageMade:
    storage = host.storage(request.storage_id)
    facts = await storage.import_image(request.image_id, lambda share: report(share, "Importing the image"))
    return ImageMade(facts=facts)


async def _build(host: HostDrivers, request: ImageBuild, report: Report) -> ImageMade:
    storage = host.storage(request.storage_id)
    there: ImageFacts | None = await storage.image(request.image_id)
    if there is None:
        builder = host.builder(request.builtin)
        await builder.build(storage.staging(request.image_id), lambda share, what: report(share * _BUILT, what))
        there = await storage.import_image(
            request.image_id, lambda share: report(_BUILT + share * (1 - _BUILT), "Storing the image")
        )
    return ImageMade(facts=there)


async def _delete(host: HostDrivers, request: ImageRef, _report: Report) -> Nothing:
    await host.storage(request.storage_id).delete_image(request.image_id)
    return Nothing()


def _about(request: ImageRef | ImageBuild) -> str:
    return f"image:{request.image_id}"


def _always(_request: ImageRef | ImageBuild) -> bool:
    return True


HANDLERS = (
    Handler(operation=IMAGE_IMPORT, run=_import, about=_about, heavy=_always),
    Handler(operation=IMAGE_BUILD, run=_build, about=_about, heavy=_always),
    Handler(operation=IMAGE_DELETE, run=_delete, about=_about),
)
