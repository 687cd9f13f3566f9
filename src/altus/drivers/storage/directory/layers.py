"""Layers that are kept for snapshots, on the mechanism of linked.py.

    before:  volume B      freeze:  B (new, empty) ── layer      thaw: as before
                           or, onto an older layer:  B (new, empty) ── older layer;  layer (what B's file was)

As there, a kill between any two steps leaves a whole state: the pin keeps nothing yet, the layer is a second name of
B's file, and one rename puts the new B in its place. To thaw is one rename of the layer to B's name.

A layer that is let go of stays while others need it. If one file alone stands on it, and that is the volume's own, it
is merged into that: what the file does not have is copied into it, then its header names what the layer stood on. A
volume is changed in place, which can be broken off and repeated at any instant. A layer is read by others meanwhile: a
copy is made of it, which takes its place by one rename.
"""

from __future__ import annotations

from pathlib import Path

from altus.common.errors import Failed
from altus.drivers.storage.base import Progress
from altus.drivers.storage.directory.catalog import origin_base
from altus.drivers.storage.directory.drafts import finish, refuse_open, show
from altus.drivers.storage.directory.files import (
    SHARED_MODE,
    VOLUME_MODE,
    allocation,
    copy,
    hard_link,
    is_open,
    reflink,
    sync,
)
from altus.drivers.storage.directory.linked import MAX_LAYERS
from altus.drivers.storage.directory.repository import Repository
from altus.drivers.storage.directory.room import METADATA
from altus.drivers.storage.refusals import chain_too_long, layer_needed, no_layer, no_volume
from altus.drivers.storage.threads import in_thread, stoppable
from altus.model.volume import LayerFacts, VolumeFacts


class Layers:
    """The kept layers of one repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def freeze(self, volume_id: str, layer_id: str, onto: str = "", *, live: bool = False) -> VolumeFacts:
        """See `VolumeLayers.freeze`."""
        repository, layout = self._repository, self._repository.layout
        volume, layer = layout.volume(volume_id), layout.kept(volume_id, layer_id)
        async with repository.operation(volume_id):
            if not await in_thread(self._is_frozen, volume_id, layer_id):
                below = layout.kept(volume_id, onto) if onto else layer
                if not live:
                    await in_thread(refuse_open, volume, volume_id)
                size, origin = await in_thread(self._measured, volume, below if onto else volume, volume_id, onto)
                async with repository.work() as folder:
                    with repository.room.promise(METADATA):
                        overlay = folder / "overlay.qcow2"
                        await repository.qemu_img.create(overlay, size, layout.relative(below))
                        await in_thread(finish, overlay, origin_base(origin))
                        await repository.commit(lambda: self._freeze(volume, layer, overlay, live=live))
            return await in_thread(self._facts, volume_id)

    async def thaw(self, volume_id: str, layer_id: str, *, live: bool = False) -> VolumeFacts:
        """See `VolumeLayers.thaw`."""
        repository, layout = self._repository, self._repository.layout
        volume, layer = layout.volume(volume_id), layout.kept(volume_id, layer_id)

        def change() -> None:
            if not layout.pin(volume_id, layer_id).exists():
                return  # one that was let go of is not what the volume held last
            if layer.exists() and not (live and self._is_worked_on(volume, layer)):
                if not live:
                    refuse_open(volume, volume_id)
                if others := [path for path in repository.catalog.children(layer) if path != volume]:
                    raise layer_needed(volume_id, layer_id, [path.stem for path in others])
                layer.chmod(VOLUME_MODE)
                if layer.samefile(volume):
                    layer.unlink()  # a rename to the same file would do nothing
                else:
                    show(layer, volume)
                sync(layer.parent)
            layout.pin(volume_id, layer_id).unlink(missing_ok=True)
            repository.drop_idle_layers()

        async with repository.operation(volume_id):
            await repository.commit(change)
            return await in_thread(self._facts, volume_id)

    async def in_use(self, volume_id: str) -> bool:
        """See `VolumeLayers.in_use`."""
        return await in_thread(is_open, self._repository.layout.volume(volume_id))

    async def drop(self, volume_id: str, layer_id: str) -> None:
        """See `VolumeLayers.drop`."""
        repository = self._repository

        def change() -> None:
            pin = repository.layout.pin(volume_id, layer_id)
            pin.unlink(missing_ok=True)
            sync(pin.parent)
            repository.drop_idle_layers()

        async with repository.operation(volume_id):
            await repository.commit(change)

    async def merge(self, volume_id: str, progress: Progress | None = None) -> None:
        """See `VolumeLayers.merge`."""
        repository, told = self._repository, progress or (lambda _share: None)
        async with repository.operation(volume_id):
            while (found := await in_thread(self._to_merge, volume_id)) is not None:
                layer, child = found
                if child == repository.layout.volume(volume_id):
                    await self._merge_in_place(volume_id, layer, child, told)
                else:
                    await self._merge_copy(layer, child, told)
                await repository.commit(repository.drop_idle_layers)

    async def all(self) -> list[LayerFacts]:
        """See `VolumeLayers.all`."""
        async with self._repository.operation():
            return await in_thread(self._repository.catalog.layers)

    def _is_frozen(self, volume_id: str, layer_id: str) -> bool:
        """`Conflict` (`snapshot.layer_in_use`) for one that was let go of and that others still need."""
        layout = self._repository.layout
        volume, layer = layout.volume(volume_id), layout.kept(volume_id, layer_id)
        if not layer.exists() or not volume.exists() or layer.samefile(volume):
            return False
        if not layout.pin(volume_id, layer_id).exists():
            raise layer_needed(volume_id, layer_id, [path.stem for path in self._repository.catalog.children(layer)])
        return True

    def _is_worked_on(self, volume: Path, layer: Path) -> bool:
        """Whether the volume has left its layer: a VM has it open, or has written to it."""
        if layer.samefile(volume):
            return False
        disk = self._repository.catalog.disk(volume)
        return is_open(volume) or disk is None or not disk.untouched

    def _measured(self, volume: Path, source: Path, volume_id: str, onto: str) -> tuple[int, str]:
        """Size and origin of the new overlay."""
        catalog = self._repository.catalog
        disk, like = catalog.disk(volume), catalog.disk(source)
        if disk is None:
            raise no_volume(volume_id)
        if like is None:
            raise no_layer(volume_id, onto)
        if len(chain := catalog.chain(volume)) >= MAX_LAYERS:
            raise chain_too_long(volume_id, len(chain))
        return like.header.size, disk.header.origin

    def _freeze(self, volume: Path, layer: Path, overlay: Path, *, live: bool) -> None:
        volume_id, layer_id = layer.stem.split(".")
        if not live:
            refuse_open(volume, volume_id)
        sync(volume)
        pin = self._repository.layout.pin(volume_id, layer_id)
        pin.touch()
        sync(pin.parent)
        if not layer.exists() and not hard_link(volume, layer):
            raise Failed(
                "The repository's file system has no hard links, which snapshots need.",
                code="snapshot.no_hard_links",
                hint="Put the repository on ext4, XFS or NFS.",
            )
        sync(layer.parent)
        show(overlay, volume)
        layer.chmod(SHARED_MODE)

    def _to_merge(self, volume_id: str) -> tuple[Path, Path] | None:
        """A layer of the volume that nobody keeps and its only child, if that is the volume's own."""
        layout, catalog = self._repository.layout, self._repository.catalog
        kept = set(catalog.kept())
        for layer in sorted(layout.layers.glob(f"{volume_id}.*.qcow2")):
            if layer in kept or layout.kept_at(layer) is None:
                continue
            children = catalog.children(layer)
            if len(children) == 1 and children[0].stem.partition(".")[0] == volume_id:
                return layer, children[0]
        return None

    async def _merge_in_place(self, volume_id: str, layer: Path, volume: Path, progress: Progress) -> None:
        await in_thread(refuse_open, volume, volume_id)
        below = await in_thread(self._repository.catalog.backing, layer)
        name = self._repository.layout.relative(below) if below is not None else ""
        with self._repository.room.promise(METADATA + await in_thread(allocation, layer)):
            await self._repository.qemu_img.rebase(volume, name, progress)
        await in_thread(sync, volume)

    async def _merge_copy(self, layer: Path, child: Path, progress: Progress) -> None:
        repository = self._repository
        qemu_img, below = repository.qemu_img, await in_thread(repository.catalog.backing, layer)
        growth = await in_thread(lambda: allocation(layer) + allocation(child))
        async with repository.work() as folder:
            with repository.room.promise(METADATA + growth):
                draft = folder / "layer.qcow2"
                if not (repository.reflink and await in_thread(reflink, child, draft)):
                    await stoppable(lambda report: copy(child, draft, report), lambda share: progress(share / 2))
                await qemu_img.rebase(draft, str(layer))
                await qemu_img.rebase(draft, str(below) if below is not None else "", progress)
                if below is not None:
                    await qemu_img.rebase(draft, repository.layout.relative(below))
                await in_thread(_ready, draft)
                await repository.commit(lambda: show(draft, child))

    def _facts(self, volume_id: str) -> VolumeFacts:
        facts = self._repository.catalog.volume(volume_id)
        if facts is None:
            raise no_volume(volume_id)
        return facts


def _ready(draft: Path) -> None:
    draft.chmod(SHARED_MODE)
    sync(draft)
