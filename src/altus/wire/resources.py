"""Volumes, images, networks, storages, hosts and projects on the public API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from altus.common.units import TIB
from altus.model.address_range import MAX_RANGES
from altus.model.host import HostFacts, HostState
from altus.model.image import BuiltinImage, ImageFormat, ImageState
from altus.model.label import Label
from altus.model.network import NetworkKind, NetworkState
from altus.model.storage import StorageKind, StorageUsage
from altus.model.volume import VolumeBase, VolumeState
from altus.wire.base import ActionView, Flag, Name, Reference, ResourceView, Shape, Tag, example
from altus.wire.vms import DiskSize


class VolumeCreate(Shape):
    """A new volume: empty (`size`) or from an image. `size` in bytes."""

    model_config = example(name="data", size=10737418240)

    name: Name
    project: Reference | None = None
    label: Label = Label.OPEN
    storage: Reference | None = None
    size: DiskSize | None = None
    image: Reference | None = None
    linked: Flag = True

    @model_validator(mode="after")
    def _some_size(self) -> Self:
        if self.size is None and self.image is None:
            raise ValueError("a volume needs a size, an image, or both")
        return self


class VolumeResize(Shape):
    """The new size in bytes; volumes only grow."""

    model_config = example(size=21474836480)

    size: DiskSize


class VolumeView(ResourceView):
    """A volume; `allocation` is what it takes on storage, in bytes."""

    storage_id: str
    size: int
    allocation: int
    state: VolumeState
    base: VolumeBase | None
    vm_id: str | None
    allowed_actions: dict[str, ActionView]


class ImageCreate(Shape):
    """An image about to be uploaded; its format is found by its content."""

    model_config = example(name="fedora-42")

    name: Name
    project: Reference | None = None
    label: Label = Label.OPEN
    storage: Reference | None = None


class ImageBuild(Shape):
    """Build one of Altus' own images from Debian packages; its name is the image's unless another is given."""

    model_config = example(image="debian-12")

    image: BuiltinImage
    name: Name | None = None
    storage: Reference | None = None


class ImageView(ResourceView):
    """An image; sizes in bytes, `sha256` of the stored file."""

    storage_id: str
    state: ImageState
    size: int
    file_size: int
    sha256: str
    source_format: ImageFormat | None
    direct_boot: bool
    built: BuiltinImage | None
    allowed_actions: dict[str, ActionView]


class NetworkCreate(Shape):
    """A network with DHCP. `gateway` is its first address unless given; `dns` the servers its guests are told.
    `reserved` are addresses and ranges (first-last) that only NICs get which ask for one."""

    model_config = example(name="lan", cidr="10.20.0.0/24", kind="nat")

    name: Name
    project: Reference | None = None
    label: Label = Label.OPEN
    kind: NetworkKind = NetworkKind.NAT
    cidr: Annotated[str, StringConstraints(max_length=18)]
    gateway: Annotated[str, StringConstraints(max_length=15)] | None = None
    dns: Annotated[list[Annotated[str, StringConstraints(max_length=15)]], Field(max_length=4)] = []
    mtu: Annotated[int, Field(ge=576, le=9000, strict=True)] = 1442
    reserved: Annotated[list[Annotated[str, StringConstraints(max_length=31)]], Field(max_length=MAX_RANGES)] = []


class NetworkView(ResourceView):
    """A network."""

    kind: NetworkKind
    state: NetworkState
    cidr: str
    gateway: str
    dns: list[str]
    mtu: int
    reserved: list[str]
    allowed_actions: dict[str, ActionView]


class StorageView(ResourceView):
    """A repository; local to a host or shared (`host_id` null)."""

    kind: StorageKind
    host_id: str | None
    usage: StorageUsage | None


class HostView(ResourceView):
    """A host as it describes itself. `maintenance` is what was asked for, `state` what is so. `cpu_refusal` is why its
    pool gives it no VMs, such as a CPU that lacks what others have; empty if it does. `migrations` is how many VMs may
    move from or to it at once, which it finds out by itself."""

    state: HostState
    maintenance: bool
    address: str
    pool_id: str
    tags: list[str]
    reserved_vcpus: int
    reserved_memory: int
    migrations: int
    facts: HostFacts | None
    seen_at: datetime | None
    cpu_refusal: str
    allowed_actions: dict[str, ActionView]


class HostEdit(Shape):
    """Fields to change; what is left out stays. `reserved_vcpus` (threads) and `reserved_memory` (bytes) are the host's
    own, which VMs do not get."""

    model_config = example(tags=["ssd", "rack-7"], reserved_memory=2147483648)

    pool: Reference | None = None
    tags: Annotated[list[Tag], Field(max_length=64)] | None = None
    reserved_vcpus: Annotated[int, Field(ge=0, le=4096, strict=True)] | None = None
    reserved_memory: Annotated[int, Field(ge=0, le=64 * TIB, strict=True)] | None = None


class ProjectCreate(Shape):
    """A new project."""

    model_config = example(name="research")

    name: Name


class ProjectView(ResourceView):
    """A project: what grants and quotas are about."""
