"""VHD ("vpc" in QEMU) and VHDX: fixed and dynamic ones; a differencing disk needs its parent and is refused."""

from __future__ import annotations

import uuid

from altus.drivers.storage.formats.reader import Reader, check_size, corrupt, needs_other_file, truncated, unsupported

VHD_MAGIC = b"conectix"
VHDX_MAGIC = b"vhdxfile"

_FOOTER = 512
_FIXED, _DYNAMIC, _DIFFERENCING = 2, 3, 4
_REGION_TABLES = (192 * 1024, 256 * 1024)
_METADATA_REGION = uuid.UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
_FILE_PARAMETERS = uuid.UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b")
_VIRTUAL_SIZE = uuid.UUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
_HAS_PARENT = 2
_MAX_ENTRIES = 2047


def is_vhd(reader: Reader) -> bool:
    """A dynamic one starts with a copy of the footer, a fixed one has only the footer, in the last sector."""
    return reader.peek(0, 8) == VHD_MAGIC or reader.peek(reader.size - _FOOTER, 8) == VHD_MAGIC


def inspect_vhd(reader: Reader) -> int:
    """The virtual size of an untrusted image that needs nothing but itself; everything else is `InvalidInput`."""
    if reader.peek(reader.size - _FOOTER, 8) != VHD_MAGIC:
        raise truncated(reader.size + _FOOTER, reader.size)
    footer = reader.read(reader.size - _FOOTER, _FOOTER)
    size = int.from_bytes(footer[48:56], "big")
    kind = int.from_bytes(footer[60:64], "big")
    if int.from_bytes(footer[64:68], "big") != ~(sum(footer) - sum(footer[64:68])) & 0xFFFFFFFF:
        raise corrupt("its footer has a wrong checksum")
    if kind == _DIFFERENCING:
        raise needs_other_file("a differencing VHD")
    if kind == _FIXED:
        if size > reader.size - _FOOTER:
            raise truncated(size + _FOOTER, reader.size)
    elif kind == _DYNAMIC:
        if reader.peek(0, 8) != VHD_MAGIC or reader.read(int.from_bytes(footer[16:24], "big"), 8) != b"cxsparse":
            raise corrupt("the header of the dynamic disk is missing")
    else:
        raise unsupported(f"A VHD of type {kind}")
    return check_size(size)


def is_vhdx(reader: Reader) -> bool:
    """Told by the magic."""
    return reader.peek(0, 8) == VHDX_MAGIC


def inspect_vhdx(reader: Reader) -> int:
    """As `inspect_vhd`, from the region table and the metadata table."""
    metadata = _metadata_region(reader)
    signature, _, count = reader.unpack("<8sHH", metadata)
    if signature != b"metadata" or count > _MAX_ENTRIES:
        raise corrupt("its metadata table is not one")
    items: dict[uuid.UUID, int] = {}
    for index in range(count):
        raw, offset, _, _ = reader.unpack("<16sIII", metadata + 32 * (index + 1))
        items[uuid.UUID(bytes_le=raw)] = metadata + offset
    if _FILE_PARAMETERS not in items or _VIRTUAL_SIZE not in items:
        raise corrupt("its metadata lacks the size")
    _, flags = reader.unpack("<II", items[_FILE_PARAMETERS])
    if flags & _HAS_PARENT:
        raise needs_other_file("a differencing VHDX")
    (size,) = reader.unpack("<Q", items[_VIRTUAL_SIZE])
    return check_size(size)


def _metadata_region(reader: Reader) -> int:
    for table in _REGION_TABLES:
        signature, _, count, _ = reader.unpack("<4sIII", table)
        if signature != b"regi" or count > _MAX_ENTRIES:
            continue
        for index in range(count):
            raw, offset, length, _ = reader.unpack("<16sQII", table + 16 + 32 * index)
            if uuid.UUID(bytes_le=raw) == _METADATA_REGION:
                if offset + length > reader.size:
                    raise truncated(offset + length, reader.size)
                return int(offset)
    raise corrupt("it has no metadata region")
