"""File system helpers: durability, exclusive locks, copies, and what QEMU has open."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from altus.common.errors import AltusError, Failed, LimitExceeded

FOLDER_MODE = 0o711
"""QEMU's unprivileged user passes through to a file whose path it was given, and cannot list."""
SHARED_MODE = 0o444
"""Images and layers are never written again; QEMU processes of several VMs read them."""
VOLUME_MODE = 0o600
"""libvirt's dynamic ownership gives a volume to QEMU's user while its VM runs."""

_FICLONE = 0x40049409
_NO_REFLINK = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS)
_NO_HARD_LINK = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)
_PIECE = 32 * 1024 * 1024
_F_OFD_GETLK = 36
_FLOCK = "hhqqi4x"
_DYING, _LOOK = 2.0, 0.02
_QEMU_LOCKS = (100, 200)
"""QEMU's file-posix driver locks single bytes from 100 (permissions taken) to 300 (permissions not shared)."""


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it; missing is fine."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        if folder.exists():
            remove_tree(folder)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a lock file, against all processes and hosts; the kernel lets go if we die."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def is_open(path: Path) -> bool:
    """Whether a QEMU or qemu-img has this disk open, told by the locks that it holds on it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        start, length = _QEMU_LOCKS
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
        return bool(struct.unpack(_FLOCK, fcntl.fcntl(fd, _F_OFD_GETLK, asked))[0] != fcntl.F_UNLCK)
    finally:
        os.close(fd)


def wait_closed(path: Path) -> None:
    """Let a qemu-img whose agent was killed finish dying: as long as it lives, the disk looks open. Gives up after
    `_DYING` seconds. Blocks."""
    deadline = time.monotonic() + _DYING
    while is_open(path) and time.monotonic() < deadline:
        time.sleep(_LOOK)  # the kernel tells nobody when another process lets go of a lock of this kind


def reflink(source: Path, target: Path) -> bool:
    """Make `target` share the blocks of `source`; False, with nothing made, where the file system cannot."""
    with source.open("rb") as read, target.open("xb") as write:
        try:
            fcntl.ioctl(write.fileno(), _FICLONE, read.fileno())
        except OSError as error:
            target.unlink()
            if error.errno in _NO_REFLINK:
                return False
            raise
    return True


def hard_link(source: Path, target: Path) -> bool:
    """Give a file a second name; False where the file system cannot."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in _NO_HARD_LINK:
            return False
        raise
    return True


def copy(source: Path, target: Path, report: Callable[[float], None]) -> None:
    """Copy a file inside the kernel, holes kept."""
    with source.open("rb") as read, target.open("xb") as write:
        size = os.fstat(read.fileno()).st_size
        os.ftruncate(write.fileno(), size)
        for start, end in _data(read.fileno(), size):
            offset = start
            while offset < end:
                count = os.copy_file_range(
                    read.fileno(), write.fileno(), min(_PIECE, end - offset), offset, offset
                )  # fmt: skip
                if not count:
                    raise OSError(errno.EIO, f"{source.name} became shorter while it was copied")
                offset += count
                report(offset / size)


def allocation(path: Path) -> int:
    """The bytes that a file takes on its file system."""
    return path.stat().st_blocks * 512


def storage_error(error: OSError) -> AltusError:
    """What a file system's error means to the caller."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return LimitExceeded(
            "The repository's file system is full.",
            code="storage.full",
            hint="Delete volumes or images, or enlarge the repository.",
        )
    return Failed(
        f"The repository's file system failed: {error.strerror or error} ({error.filename or 'no file'}).",
        code="storage.io_error",
        hint="Look at the host's kernel log.",
    )


def _data(fd: int, size: int) -> Iterator[tuple[int, int]]:
    offset = 0
    while offset < size:
        try:
            start = os.lseek(fd, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        offset = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, offset
