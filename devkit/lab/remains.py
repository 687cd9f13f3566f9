"""The lab's lock, and what a lab that is dead leaves: files and control groups. Processes, mounts and network devices
die with it."""

import shutil
from pathlib import Path

from devkit import cgroups
from devkit.lab.places import GROUP

LOCK = "lock"
"""Held by the supervisor as long as it lives."""
PID = "pid"
LOG = "supervisor.log"


def clear(folder: Path) -> None:
    """Remove all that a dead lab left at `folder`, whose lock is ours; its last words stay."""
    for hierarchy in cgroups.mounted():
        for group in hierarchy.folder.glob(f"{GROUP}*"):
            cgroups.remove(group.name)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in (LOCK, LOG):
            path.unlink()
