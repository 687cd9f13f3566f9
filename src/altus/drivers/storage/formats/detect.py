"""What an untrusted file is, by its content only; a name or a claim of the sender decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from altus.common.errors import InvalidInput
from altus.drivers.storage.formats import qcow2, vhd, vmdk
from altus.drivers.storage.formats.reader import Reader, check_size, truncated, unsupported
from altus.model.image import ImageFormat

_SECTOR = 512
_ISO_DESCRIPTOR = 0x8000
_ISO_RUNOUT = 150
"""Sectors of padding at the end of an ISO that writers count and some tools cut off."""

_UNSUPPORTED = (
    (0, b"QED\0", "QED"),
    (0, b"COWD", "An ESX sparse VMDK"),
    (0, b"LUKS\xba\xbe", "A LUKS-encrypted disk"),
    (0, b"WithoutFreeSpace", "A Parallels disk"),
    (0, b"WithouFreSpacExt", "A Parallels disk"),
    (0x40, b"\x7f\x10\xda\xbe", "VDI"),
)
_PACKED = (
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (257, b"ustar", "tar (OVA)"),
)


@dataclass(frozen=True, kw_only=True)
class Detected:
    """A file's format and the size in bytes of the disk in it."""

    format: ImageFormat
    size: int


def detect(reader: Reader) -> Detected:
    """Format and size of a file that is a whole, self-contained disk; `InvalidInput` (`image.*`) for everything else.

    Only headers are read: that the data behind them is whole is for `qemu-img check` and `convert` to say.
    """
    if not reader.size:
        raise InvalidInput("The file is empty.", code="image.empty")
    for kind, belongs, inspect in _FORMATS:
        if belongs(reader):
            return Detected(format=kind, size=inspect(reader))
    _refuse_others(reader)
    return Detected(format=ImageFormat.RAW, size=_inspect_raw(reader))


def _is_iso(reader: Reader) -> bool:
    return reader.peek(_ISO_DESCRIPTOR + 1, 5) == b"CD001"


def _inspect_iso(reader: Reader) -> int:
    # ECMA-119 8.4: volume space size at 80, logical block size at 128, little-endian first
    blocks = int.from_bytes(reader.read(_ISO_DESCRIPTOR + 80, 4), "little")
    block_size = int.from_bytes(reader.read(_ISO_DESCRIPTOR + 128, 2), "little")
    if (blocks - _ISO_RUNOUT) * block_size > reader.size:
        raise truncated(blocks * block_size, reader.size)
    return check_size(reader.size)


def _inspect_raw(reader: Reader) -> int:
    if reader.size % _SECTOR:
        raise truncated(reader.size + _SECTOR - reader.size % _SECTOR, reader.size)
    if reader.peek(_SECTOR, 8) == b"EFI PART":
        # UEFI 5.3.2: the place of the backup table, which is the disk's last sector
        last = int.from_bytes(reader.read(_SECTOR + 32, 8), "little")
        if (last + 1) * _SECTOR > reader.size:
            raise truncated((last + 1) * _SECTOR, reader.size)
    return check_size(reader.size)


def _refuse_others(reader: Reader) -> None:
    for offset, magic, name in _UNSUPPORTED:
        if reader.peek(offset, len(magic)) == magic:
            raise unsupported(name)
    for offset, magic, name in _PACKED:
        if reader.peek(offset, len(magic)) == magic:
            raise InvalidInput(
                f"The file is a {name} archive, not a disk.", code="image.compressed", hint="Unpack it first."
            )


_FORMATS: tuple[tuple[ImageFormat, Callable[[Reader], bool], Callable[[Reader], int]], ...] = (
    (ImageFormat.QCOW2, qcow2.is_qcow2, qcow2.inspect),
    (ImageFormat.VMDK, vmdk.is_vmdk, vmdk.inspect),
    (ImageFormat.VHDX, vhd.is_vhdx, vhd.inspect_vhdx),
    (ImageFormat.VHD, vhd.is_vhd, vhd.inspect_vhd),
    (ImageFormat.ISO, _is_iso, _inspect_iso),
)
