"""Kernels are unpacked, and modules come with what they need."""

from __future__ import annotations

import lzma
import struct

import pytest

from altus.common.errors import Failed
from altus.drivers.image.kernel import closure, read_index, uncompressed

ELF = b"\x7fELF" + bytes(range(256)) * 10


def _bzimage(payload: bytes, setup_sectors: int = 3) -> bytes:
    """A file with the header fields that the boot protocol promises."""
    offset = 64
    head = bytearray((setup_sectors + 1) * 512)
    head[0x1F1] = setup_sectors
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", head, 0x248, offset, len(payload))
    return bytes(head) + b"stub".ljust(offset, b"\0") + payload + b"behind it"


def test_kernel_is_found_in_its_packing() -> None:
    packed = lzma.compress(ELF, lzma.FORMAT_XZ, check=lzma.CHECK_CRC32)
    assert uncompressed(_bzimage(packed + struct.pack("<I", len(ELF)))) == ELF


@pytest.mark.parametrize(
    "content",
    [b"", b"no kernel" * 200, _bzimage(b"\x02\x21lz4"), _bzimage(lzma.compress(b"no ELF file"))],
    ids=["empty", "other", "not-xz", "not-elf"],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(Failed) as error:
        uncompressed(content)
    assert error.value.code == "image.kernel_unknown"


INDEX = read_index("fs/ext4.ko: fs/jbd2.ko lib/crc16.ko\nfs/jbd2.ko:\nlib/crc16.ko:\nnet/virtio-net.ko:\n")


def test_modules_bring_what_they_need() -> None:
    assert closure(INDEX, set(), ["ext4"]) == ["fs/ext4.ko", "fs/jbd2.ko", "lib/crc16.ko"]
    assert closure(INDEX, {"nvme"}, ["nvme", "virtio_net"]) == ["net/virtio-net.ko"]


def test_module_that_the_kernel_lacks_is_refused() -> None:
    with pytest.raises(Failed, match="e1000e"):
        closure(INDEX, set(), ["e1000e"])
