"""Reading an untrusted file: every read is bounded, and what should be there and is not means a truncated file."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altus.common.errors import InvalidInput
from altus.common.units import format_size
from altus.model.volume import MAX_VOLUME_SIZE

MAX_READ = 64 * 1024 * 1024
"""No header, table or descriptor that we read is larger."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """An open regular file of `size` bytes."""

    fd: int
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes at `offset`; `InvalidInput` (`image.truncated`) if the file ends before."""
        if offset < 0 or length < 0 or length > MAX_READ:
            raise InvalidInput("The image's header points to a place that cannot be.", code="image.corrupt")
        if offset + length > self.size:
            raise truncated(offset + length, self.size)
        data = os.pread(self.fd, length, offset)
        if len(data) != length:
            raise truncated(offset + length, offset + len(data))
        return data

    def peek(self, offset: int, length: int) -> bytes:
        """As `read`, but whatever is there, perhaps nothing."""
        return os.pread(self.fd, length, offset) if 0 <= offset < self.size else b""

    def unpack(self, layout: str, offset: int) -> tuple[Any, ...]:
        """The values of the `struct` layout at `offset`."""
        return struct.unpack(layout, self.read(offset, struct.calcsize(layout)))


@contextmanager
def open_image(path: Path) -> Iterator[Reader]:
    """Open an untrusted file: no symbolic link, no device, no pipe (`InvalidInput`, `image.not_a_file`)."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if path.is_symlink() or path.exists():
            raise not_a_file(path) from error
        raise
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise not_a_file(path)
        yield Reader(fd=fd, size=info.st_size)
    finally:
        os.close(fd)


def check_size(size: int) -> int:
    """`size` itself if a disk can be that large."""
    if size <= 0:
        raise InvalidInput("The image describes a disk of no size.", code="image.empty")
    if size > MAX_VOLUME_SIZE:
        raise InvalidInput(
            f"The image describes a disk of {format_size(size)}; the most is {format_size(MAX_VOLUME_SIZE)}.",
            code="image.too_large",
            hint="Make its disk smaller where it comes from, and bring it again.",
        )
    return size


def not_a_file(path: Path) -> InvalidInput:
    """The error for links, devices and the like."""
    return InvalidInput(f"{path.name} is not a regular file.", code="image.not_a_file")


def truncated(needed: int, size: int) -> InvalidInput:
    """The error for a file that ends too early."""
    return InvalidInput(
        f"The image is truncated: it should have at least {needed} bytes and has {size}.",
        code="image.truncated",
        hint="Upload it again and compare its checksum.",
    )


def corrupt(what: str) -> InvalidInput:
    """The error for an image that contradicts itself."""
    return InvalidInput(f"The image is corrupt: {what}.", code="image.corrupt", hint="Check the original file.")


def needs_other_file(what: str) -> InvalidInput:
    """The error for an image that is a difference to another one."""
    return InvalidInput(
        f"The image is {what}, which is not part of it.",
        code="image.backing_file",
        hint="Make it whole first, for example with qemu-img convert.",
    )


def unsupported(what: str) -> InvalidInput:
    """The error for something that is known and not taken."""
    return InvalidInput(
        f"{what} is not supported.", code="image.unsupported", hint="Convert it to qcow2 or raw first (qemu-img)."
    )
