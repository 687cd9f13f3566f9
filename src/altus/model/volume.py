"""Volumes: the disks of virtual machines, kept in a storage repository."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from altus.common.units import MIB, TIB
from altus.model.resource import Resource

MIN_VOLUME_SIZE = 1 * MIB
MAX_VOLUME_SIZE = 64 * TIB


class VolumeState(StrEnum):
    """A volume is usable only when ready."""

    CREATING = "creating"
    READY = "ready"
    DELETING = "deleting"
    FAILED = "failed"


class BaseKind(StrEnum):
    """What a volume was made from."""

    IMAGE = "image"
    VOLUME = "volume"


@dataclass(frozen=True, kw_only=True)
class VolumeBase:
    """The source a volume was made from; a linked volume depends on it for ever, a full clone does not."""

    kind: BaseKind
    id: str
    linked: bool = True


@dataclass(frozen=True, kw_only=True)
class Volume(Resource):
    """A virtual disk. `size` is what a guest sees, `allocation` what it takes on storage; both in bytes."""

    storage_id: str
    size: int
    allocation: int = 0
    state: VolumeState = VolumeState.CREATING
    base: VolumeBase | None = None
    vm_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class VolumeFacts:
    """What storage itself says about a volume: the truth to compare the database with. Sizes in bytes. `layer` is the
    nearest kept layer of its own that it stands on, empty for none."""

    id: str
    size: int
    allocation: int
    base: VolumeBase | None = None
    layer: str = ""


@dataclass(frozen=True, kw_only=True)
class LayerFacts:
    """Content that a volume once had and that storage keeps for a snapshot. `id` is unique among the volume's layers;
    `parent` is the nearest kept one below it, empty for none. Sizes in bytes."""

    volume_id: str
    id: str
    size: int
    allocation: int
    parent: str = ""


@dataclass(frozen=True, kw_only=True)
class DiskSource:
    """Where a hypervisor finds a disk on this host."""

    path: str
    format: str = "qcow2"
