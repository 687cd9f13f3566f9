"""Rules and errors that all storage drivers share."""

from __future__ import annotations

from altus.common.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from altus.common.units import format_size
from altus.model.volume import MAX_VOLUME_SIZE, MIN_VOLUME_SIZE, VolumeBase, VolumeFacts

_SECTOR = 512


def check_volume_size(size: int) -> None:
    """`InvalidInput` (`volume.size`) unless a volume can be that large; whole sectors only."""
    if size % _SECTOR or not MIN_VOLUME_SIZE <= size <= MAX_VOLUME_SIZE:
        raise InvalidInput(
            f"A volume cannot have {size} bytes.",
            code="volume.size",
            hint=f"Between {format_size(MIN_VOLUME_SIZE)} and {format_size(MAX_VOLUME_SIZE)}, in whole sectors of 512.",
        )


def check_covers(size: int, base_size: int) -> None:
    """`InvalidInput` (`volume.smaller_than_base`) if the base would not fit."""
    if size < base_size:
        raise InvalidInput(
            f"A volume of {format_size(size)} cannot hold its base of {format_size(base_size)}.",
            code="volume.smaller_than_base",
            hint=f"Ask for at least {format_size(base_size)}.",
        )


def same_volume(facts: VolumeFacts, size: int, base: VolumeBase | None) -> VolumeFacts:
    """`facts` if they are what was asked for; `Conflict` (`volume.differs`) otherwise."""
    if facts.size == size and facts.base == base:
        return facts
    raise Conflict(
        f"Volume {facts.id} is already there, with {facts.size} bytes and base {describe(facts.base)}, "
        f"not {size} and {describe(base)}.",
        code="volume.differs",
    )


def grows(facts: VolumeFacts, size: int) -> bool:
    """Whether a resize has anything to do; `InvalidInput` (`volume.shrink`) for a smaller size."""
    check_volume_size(size)
    if size < facts.size:
        raise InvalidInput(
            f"Volume {facts.id} has {format_size(facts.size)} and cannot become smaller.",
            code="volume.shrink",
            hint="Make a smaller volume and copy the data inside a guest.",
        )
    return size > facts.size


def describe(base: VolumeBase | None) -> str:
    """A base in words."""
    return f"{base.kind} {base.id}{'' if base.linked else ' (copied)'}" if base else "none"


def no_volume(volume_id: str) -> NotFound:
    """The error for a volume that is not there."""
    return NotFound(f"Volume {volume_id} is not in this repository.", code="volume.not_on_storage")


def no_layer(volume_id: str, layer_id: str) -> NotFound:
    """The error for a layer that is not there."""
    return NotFound(
        f"Volume {volume_id} has no layer {layer_id} in this repository.",
        code="snapshot.not_on_storage",
        hint="See `altus doctor`.",
    )


def layer_needed(volume_id: str, layer_id: str, others: list[str]) -> Conflict:
    """The error for a layer that cannot become the volume again, or be made anew, since others stand on it."""
    return Conflict(
        f"Layer {layer_id} of volume {volume_id} is needed by {len(others)} other disk(s).",
        code="snapshot.layer_in_use",
        hint="See `altus doctor`.",
        files=others[:20],
    )


def chain_too_long(volume_id: str, length: int) -> Conflict:
    """The error for a volume that stands on so many files already."""
    return Conflict(
        f"Volume {volume_id} stands on {length} layers already.",
        code="snapshot.chain_too_long",
        hint="Delete snapshots of its VM first.",
    )


def no_image(image_id: str) -> NotFound:
    """The error for an image that is not there."""
    return NotFound(f"Image {image_id} is not in this repository.", code="image.not_on_storage")


def nothing_staged(image_id: str) -> InvalidInput:
    """The error for an import without a file."""
    return InvalidInput(
        f"Nothing is staged for image {image_id}.", code="image.nothing_staged", hint="Upload the file again."
    )


def image_in_use(image_id: str, volumes: list[str]) -> Conflict:
    """The error for an image that linked volumes need."""
    return Conflict(
        f"Image {image_id} is the base of {len(volumes)} linked volume(s).",
        code="image.in_use",
        hint="Delete those volumes first.",
        volumes=volumes[:20],
    )


def iso_as_base(image_id: str) -> InvalidInput:
    """The error for a volume from an ISO image."""
    return InvalidInput(
        f"Image {image_id} is an ISO, not a disk.", code="image.not_a_disk", hint="Attach it as a CD-ROM instead."
    )


def storage_full(needed: int, free: int, reserve: int) -> LimitExceeded:
    """The error for a repository that could not keep its reserve; all in bytes."""
    return LimitExceeded(
        f"The repository has {format_size(max(free, 0))} free; {format_size(needed)} more would leave less than its "
        f"reserve of {format_size(reserve)}.",
        code="storage.full",
        hint="Delete volumes or images, or enlarge the repository.",
    )
