"""A folder for each running operation, locked while it runs, so that what the dead left can be told and removed."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from altus.drivers.storage.directory.files import remove_tree


class WorkFolder:
    """One operation's folder of temporary files; both calls block."""

    def __init__(self, parent: Path) -> None:
        self.path = parent / secrets.token_hex(8)
        self._fd = -1

    def make(self) -> None:
        """Make and lock it."""
        while not self._try():
            self.path = self.path.with_name(secrets.token_hex(8))

    def remove(self) -> None:
        """Remove it and all in it; fine if it was never made."""
        remove_tree(self.path)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _try(self) -> bool:
        """False if another process's sweep came between making and locking."""
        self.path.mkdir(mode=0o700)
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_nlink:
                self._fd = fd
                return True
        except BlockingIOError:
            pass  # the sweep holds it and is about to remove it
        os.close(fd)
        return False


def sweep(parent: Path) -> None:
    """Remove the folders whose process is dead; those of living ones, of any process, are locked. What is no folder is
    none of ours, and stays."""
    for folder in parent.iterdir():
        try:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(folder)
        except BlockingIOError:
            continue
        finally:
            os.close(fd)
