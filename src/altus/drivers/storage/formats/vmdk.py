"""VMDK: only sparse files that hold everything themselves (`monolithicSparse`, `streamOptimized`).

QEMU follows extents and parents that a descriptor names, even from inside a sparse file whose capacity is 0, so an
upload could read any file of the host: such images are refused before QEMU sees them.
"""

from __future__ import annotations

import re

from altus.common.errors import InvalidInput
from altus.drivers.storage.formats.reader import Reader, check_size, corrupt, needs_other_file, truncated, unsupported

MAGIC = b"KDMV"
DESCRIPTOR = b"# Disk DescriptorFile"

_HEADER = "<4sIIQQQQIQQQ"
_SECTOR = 512
_MAX_DESCRIPTOR = 1024 * 1024
_AT_END = 0xFFFFFFFFFFFFFFFF
_KINDS = ("monolithicsparse", "streamoptimized")
_EXTENT = re.compile(r"^\s*(?:RW|RDONLY|NOACCESS)\s+\d+\s+(\S+)", re.MULTILINE | re.IGNORECASE)
_FIELD = r"^\s*{}\s*=\s*\"?([^\"\r\n]*)\"?"


def is_vmdk(reader: Reader) -> bool:
    """A sparse file or a descriptor in text."""
    start = reader.peek(0, 512)
    return start.startswith(MAGIC) or start.lstrip().lower().startswith(DESCRIPTOR.lower())


def inspect(reader: Reader) -> int:
    """The virtual size of an untrusted image that needs nothing but itself; everything else is `InvalidInput`."""
    if reader.peek(0, 4) != MAGIC:
        raise _elsewhere("The file is only a VMDK descriptor; the disk is in other files.")
    (_, version, _, capacity, _, descriptor, descriptor_size, _, _, directory, overhead) = reader.unpack(_HEADER, 0)
    if version not in (1, 2, 3):
        raise unsupported(f"VMDK version {version}")
    if not capacity:
        raise _elsewhere("The VMDK file has no disk of its own, only a descriptor.")
    check_size(capacity * _SECTOR)
    _check_descriptor(_descriptor(reader, descriptor, descriptor_size))
    if directory == _AT_END:
        if reader.read(max(reader.size - 2 * _SECTOR, 0), 4) != MAGIC:
            raise truncated(reader.size + 1, reader.size)
    elif max(directory, overhead) * _SECTOR > reader.size:
        raise truncated(max(directory, overhead) * _SECTOR, reader.size)
    return int(capacity) * _SECTOR


def _descriptor(reader: Reader, sector: int, sectors: int) -> str:
    length = sectors * _SECTOR
    if not sector or not 0 < length <= _MAX_DESCRIPTOR:
        raise corrupt("its descriptor is missing or too large")
    return reader.read(sector * _SECTOR, length).split(b"\0", 1)[0].decode("utf-8", "replace")


def _check_descriptor(text: str) -> None:
    kinds = _values("createType", text)
    if len(kinds) != 1 or kinds[0].lower() not in _KINDS:
        raise _elsewhere(f"A VMDK of type {', '.join(kinds)[:60] or 'unknown'} is spread over files.")
    parents = _values("parentCID", text)
    if any(parent.strip().lower() != "ffffffff" for parent in parents) or _values("parentFileNameHint", text):
        raise needs_other_file("a difference to another VMDK")
    extents = [kind.upper() for kind in _EXTENT.findall(text)]
    if extents != ["SPARSE"]:
        raise _elsewhere(f"The VMDK names {len(extents)} extents of kinds {', '.join(extents)[:60] or 'none'}.")


def _values(name: str, text: str) -> list[str]:
    found: list[str] = re.findall(_FIELD.format(name), text, re.MULTILINE | re.IGNORECASE)
    return found


def _elsewhere(message: str) -> InvalidInput:
    return InvalidInput(
        message,
        code="image.extents_elsewhere",
        hint="Export it as one sparse or stream-optimized VMDK, or convert it to qcow2.",
    )
