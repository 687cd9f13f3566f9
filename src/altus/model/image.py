"""Images: what volumes are made from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from altus.model.resource import Resource


class ImageState(StrEnum):
    """An image is usable only when ready; `uploading` until its file is complete."""

    UPLOADING = "uploading"
    CREATING = "creating"
    READY = "ready"
    DELETING = "deleting"
    FAILED = "failed"


class ImageFormat(StrEnum):
    """Formats that can be imported; stored images are always qcow2 (or the ISO itself)."""

    RAW = "raw"
    QCOW2 = "qcow2"
    VMDK = "vmdk"
    VHD = "vpc"
    VHDX = "vhdx"
    ISO = "iso"


class BuiltinImage(StrEnum):
    """Images that Altus builds itself from Debian packages."""

    TINY = "tiny"
    DEBIAN_12 = "debian-12"


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """What storage itself says about a stored image.

    `size` is the virtual size and `file_size` the stored file's, in bytes; `sha256` is of the stored disk file;
    `direct_boot` says that the image brings a kernel and an initrd of its own; `cmdline` is that kernel's command line.
    """

    id: str
    size: int
    file_size: int
    sha256: str
    source_format: ImageFormat
    direct_boot: bool = False
    cmdline: str = ""


@dataclass(frozen=True, kw_only=True)
class Image(Resource):
    """A disk image in a repository; sizes in bytes."""

    storage_id: str
    state: ImageState = ImageState.CREATING
    size: int = 0
    file_size: int = 0
    sha256: str = ""
    source_format: ImageFormat | None = None
    direct_boot: bool = False
    cmdline: str = ""
    built: BuiltinImage | None = None


@dataclass(frozen=True, kw_only=True)
class DirectKernel:
    """Files on this host from which a VM boots without a boot loader."""

    kernel: str
    initrd: str
    cmdline: str
