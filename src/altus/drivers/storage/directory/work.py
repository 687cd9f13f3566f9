"""A folder for each running operation, locked while it runs, so that what the dead left can be told and removed."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from altus.drivers.storage.directory.files import remove_tree


class WorkFolder:
    """One operation's folder of temporary files."""

    def __init__(self, parent: Path) -> None:
        self.path, self._fd = _make(parent)

    def remove(self) -> None:
        """End: remove it and all in it."""
        remove_tree(self.path)
        os.close(self._fd)


def sweep(parent: Path) -> None:
    """Remove the folders whose process is dead; those of living ones, of any process, are locked."""
    for folder in parent.iterdir():
        try:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(folder)
        except BlockingIOError:
            continue
        finally:
            os.close(fd)


def _make(parent: Path) -> tuple[Path, int]:
    while True:
        path = parent / secrets.token_hex(8)
        path.mkdir(mode=0o700)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # another process's sweep came between mkdir and lock
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_nlink:
                return path, fd
        except BlockingIOError:
            pass  # that sweep holds it and is about to remove it
        os.close(fd)
