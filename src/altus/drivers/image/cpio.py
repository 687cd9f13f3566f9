"""Initial RAM disks: a folder as a "newc" cpio archive, the same bytes for the same folder."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

SOURCE_DATE_EPOCH = 1_700_000_000
"""The time that all files of built images carry, in Unix seconds, so that a build can be repeated."""

_TRAILER = "TRAILER!!!"
_EXECUTABLE = 0o755
_PLAIN = 0o644


def write_cpio(folder: Path, out: BinaryIO) -> None:
    """Write everything below `folder` into `out` in the format of the kernel's
    Documentation/driver-api/early-userspace/buffer-format: sorted, owned by root, all of time `SOURCE_DATE_EPOCH`.

    Of the permissions only whether the owner may execute is kept. Raises ValueError for what is no file, folder or
    symbolic link.
    """
    for number, path in enumerate(_walk(folder), start=1):
        mode, content = _entry(path)
        _write_entry(out, str(path.relative_to(folder)), mode, content, number)
    _write_entry(out, _TRAILER, 0, b"", 0)


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def _entry(path: Path) -> tuple[int, bytes]:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return stat.S_IFLNK | 0o777, str(path.readlink()).encode()
    if stat.S_ISDIR(mode):
        return stat.S_IFDIR | _EXECUTABLE, b""
    if stat.S_ISREG(mode):
        return stat.S_IFREG | (_EXECUTABLE if mode & stat.S_IXUSR else _PLAIN), path.read_bytes()
    raise ValueError(f"{path} is no file, folder or symbolic link")


def _write_entry(out: BinaryIO, name: str, mode: int, content: bytes, number: int) -> None:
    encoded = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    # ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
    fields = (number, mode, 0, 0, links, SOURCE_DATE_EPOCH, len(content), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    out.write(_padded(header + encoded))
    out.write(_padded(content))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
