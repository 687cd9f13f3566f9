"""The storage protocol: one object is one repository. All calls are idempotent.

A write either ends whole or leaves nothing that `volumes()` or `images()` would show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from altus.model.image import DirectKernel, ImageFacts
from altus.model.storage import StorageUsage
from altus.model.volume import DiskSource, LayerFacts, VolumeBase, VolumeFacts

Progress = Callable[[float], None]
"""Told the share done, from 0.0 to 1.0; called from the event loop."""


@dataclass(frozen=True, kw_only=True)
class StorageCapabilities:
    """What this kind of repository can do here."""

    linked_clone: bool
    reflink: bool
    shared: bool


class VolumeLayers(Protocol):
    """The layers of a repository's volumes: content that they once had, kept for snapshots."""

    async def freeze(self, volume_id: str, layer_id: str, onto: str = "", *, live: bool = False) -> VolumeFacts:
        """Keep what the volume holds as its layer `layer_id`. The volume goes on as it is, or, with `onto`, as that
        older layer of it was, in content and size. A layer that is there already is success. Refuses with `NotFound`
        (`snapshot.not_on_storage`) if `onto` is missing, and with `Conflict`: `volume.busy` while a VM runs on it,
        `snapshot.chain_too_long`, `snapshot.layer_in_use` for one that was dropped while others need it.

        `live`: a VM may run on it, and does so on the layer until its hypervisor switches it to the volume."""
        ...

    async def thaw(self, volume_id: str, layer_id: str, *, live: bool = False) -> VolumeFacts:
        """Take the freeze back: the volume is what the layer is, which is gone; what was written since is lost. A layer
        that is missing or was dropped is success. Refuses with `Conflict`: `volume.busy`, `snapshot.layer_in_use` where
        other disks stand on the layer. `live`: a VM may run on it, and nothing is lost: what was written or is used is
        left as it is, and the layer only dropped."""
        ...

    async def in_use(self, volume_id: str) -> bool:
        """Whether a VM runs on the volume itself. The fake, whose guests open nothing, always says no."""
        ...

    async def drop(self, volume_id: str, layer_id: str) -> None:
        """Keep a layer no longer; missing is success. What others need of it stays until `merge`."""
        ...

    async def merge(self, volume_id: str, progress: Progress | None = None) -> None:
        """Merge each layer of the volume that is not kept into the only one of the volume's own that stands on it; a
        layer on which several stand, or somebody else's, stays. All read as before, at every instant; broken off and
        repeated it goes on. A volume that is not there is success. Refuses with `Conflict` (`volume.busy`) where the
        volume would be changed while a VM runs on it."""
        ...

    async def all(self) -> list[LayerFacts]:
        """Every kept layer there is."""
        ...


class StorageDriver(Protocol):
    """One repository. What is not there raises `NotFound` (`volume.not_on_storage`, `image.not_on_storage`)."""

    @property
    def layers(self) -> VolumeLayers:
        """What its volumes once held."""
        ...

    async def capabilities(self) -> StorageCapabilities:
        """What it can do."""
        ...

    async def usage(self) -> StorageUsage:
        """Capacity now."""
        ...

    async def create_volume(self, volume_id: str, size: int, base: VolumeBase | None = None,
                            progress: Progress | None = None) -> VolumeFacts:  # fmt: skip
        """Make a thin volume of `size` bytes, empty or from `base` (an image or volume of this repository): linked
        (the base stays needed) or a full copy. `size` may be larger than the base's, never smaller. A volume that is
        already there with this size and base is success; with others, `Conflict` (`volume.differs`). Refuses with
        `LimitExceeded` (`storage.full`) when the repository could not keep its reserve of free space, and with
        `Conflict` (`volume.busy`) while a VM runs on the base volume: the caller stops it first.

        A volume linked to a *volume* depends on the content which that has now, not on the volume: the base may be
        written and deleted afterwards. What the base itself needs (its image) stays needed."""
        ...

    async def resize_volume(self, volume_id: str, size: int) -> VolumeFacts:
        """Grow to `size` bytes; the size it has is success, a smaller one `InvalidInput` (`volume.shrink`). While a VM
        runs on it, `Conflict` (`volume.busy`): then its hypervisor grows it."""
        ...

    async def delete_volume(self, volume_id: str) -> None:
        """Remove, with its layers; missing is success, and a full disk is no obstacle. Refuses with `Conflict`
        (`volume.in_use`) while a VM runs on it. Volumes linked to it live on."""
        ...

    async def volume(self, volume_id: str) -> VolumeFacts | None:
        """One volume's truth, None if it is not there."""
        ...

    async def volumes(self) -> list[VolumeFacts]:
        """Every volume in it."""
        ...

    def volume_at(self, path: str) -> str | None:
        """The id of the volume of which `volume_source` tells this path; None for other paths."""
        ...

    async def sign(self) -> str:
        """Cheap, and another one than before if a volume or an image came or went since, whoever did it."""
        ...

    def volume_source(self, volume_id: str) -> DiskSource:
        """Where the hypervisor finds it; does not look whether it exists."""
        ...

    def staging(self, image_id: str) -> Path:
        """A folder of this repository, private to the image that is about to be made, into which an upload (`upload`)
        or a builder's files (`disk`, `kernel`, `initrd`, `cmdline`) are written before `import_image`."""
        ...

    async def import_image(self, image_id: str, progress: Progress | None = None) -> ImageFacts:
        """Turn the staged files into an image, with the format found by content; hostile ones are refused with
        `InvalidInput` (`image.*`): backing files, external data files, extents elsewhere, sizes beyond limits,
        truncation. The staged files are gone afterwards. An image that is already there is success."""
        ...

    async def delete_image(self, image_id: str) -> None:
        """Remove the image and whatever is staged for it; missing is success. Refuses with `Conflict` (`image.in_use`)
        while a linked volume, directly or through others, depends on it."""
        ...

    async def image(self, image_id: str) -> ImageFacts | None:
        """One image's truth, None if it is not there."""
        ...

    async def images(self) -> list[ImageFacts]:
        """Every image in it."""
        ...

    def image_source(self, image_id: str) -> DiskSource:
        """Where the hypervisor finds an ISO image; does not look whether it exists."""
        ...

    async def image_kernel(self, image_id: str) -> DirectKernel:
        """The kernel, initrd and command line of an image with `direct_boot`; `NotFound` (`image.no_kernel`) for
        others."""
        ...
