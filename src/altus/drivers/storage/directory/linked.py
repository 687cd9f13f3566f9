"""Linked clones of a volume.

A base must never change under its overlay, but a volume is written again when its VM starts. So the content which the
volume has now becomes a *layer* that is only read, and both the volume and its clone are overlays on it:

    before:  volume B                        after:  B (new, empty overlay) ─┐
                                                     C (new, empty overlay) ─┴─ layer (what B's file was)

Order, with a kill possible between any two steps: (1) the layer is a second name of B's file: nothing has changed yet,
and a layer that no volume stands on is removed at the next open; (2) the new B replaces the old name in one rename:
B's content is the same; (3) C appears in one rename. Repeated after (2), the clone finds B untouched since, and
stands on what B stands on; this is also why the second clone of an unused template adds no layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from altus.common.errors import Conflict, Failed
from altus.drivers.storage.directory.catalog import Disk, origin_base
from altus.drivers.storage.directory.drafts import finish, refuse_open, show
from altus.drivers.storage.directory.files import SHARED_MODE, hard_link, sync
from altus.drivers.storage.directory.repository import Repository
from altus.drivers.storage.refusals import check_covers, no_volume
from altus.drivers.storage.threads import in_thread
from altus.model.volume import VolumeBase

MAX_LAYERS = 32
"""Files below a volume; each costs a lookup for what was never written above it."""


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What the clone stands on; `layer` if the volume's file has to become one first."""

    source: Path
    disk: Disk
    below: Path | None
    layer: Path | None


async def link_volume(repository: Repository, folder: Path, volume_id: str, size: int, base: VolumeBase) -> None:
    """Make volume `volume_id` a linked clone of the volume `base.id`, which no VM may be running on."""
    plan = await in_thread(_plan, repository, volume_id, base.id)
    check_covers(size, plan.disk.header.size)
    layout, qemu_img = repository.layout, repository.qemu_img
    clone, overlay = folder / "clone.qcow2", folder / "overlay.qcow2"
    await qemu_img.create(clone, size, layout.relative(plan.below) if plan.below else "")
    await in_thread(finish, clone, base)
    if plan.layer is not None:
        await qemu_img.create(overlay, plan.disk.header.size, layout.relative(plan.layer))
        await in_thread(finish, overlay, origin_base(plan.disk.header.origin))

    def change() -> None:
        refuse_open(plan.source, base.id)
        if plan.layer is not None:
            _freeze(plan.source, plan.layer, overlay)
        show(clone, layout.volume(volume_id))

    await repository.commit(change)


def _plan(repository: Repository, volume_id: str, source_id: str) -> _Plan:
    catalog, layout = repository.catalog, repository.layout
    source = layout.volume(source_id)
    disk = catalog.disk(source)
    if disk is None:
        raise no_volume(source_id)
    refuse_open(source, source_id)
    chain = catalog.chain(source)
    if disk.untouched:
        return _Plan(source=source, disk=disk, below=chain[0] if chain else None, layer=None)
    if len(chain) >= MAX_LAYERS:
        raise Conflict(
            f"Volume {source_id} stands on {len(chain)} layers already.",
            code="volume.chain_too_long",
            hint="Make a full clone instead.",
        )
    layer = _free_layer(repository, volume_id, source)
    return _Plan(source=source, disk=disk, below=layer, layer=layer)


def _free_layer(repository: Repository, volume_id: str, source: Path) -> Path:
    number = 0
    while (layer := repository.layout.layer(volume_id, number)).exists() and not layer.samefile(source):
        number += 1
    return layer


def _freeze(source: Path, layer: Path, overlay: Path) -> None:
    sync(source)
    if not layer.exists() and not hard_link(source, layer):
        raise Failed(
            "The repository's file system has no hard links, which linked clones of a volume need.",
            code="volume.linked_from_volume",
            hint="Make a full clone instead.",
        )
    sync(layer.parent)
    show(overlay, source)
    layer.chmod(SHARED_MODE)
