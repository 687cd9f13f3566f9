"""Reading /proc and /sys, where a file may be missing or refuse to be read."""

from __future__ import annotations

from pathlib import Path


def text(path: Path, default: str = "") -> str:
    """Its content without surrounding blanks; `default` if the kernel does not tell."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:  # a NIC without a link answers `speed` with EINVAL
        return default


def number(path: Path, default: int = 0) -> int:
    """Its content as a number; `default` if the kernel does not tell one."""
    try:
        return int(text(path))
    except ValueError:
        return default


def entries(folder: Path) -> list[Path]:
    """What is in a folder, by name; nothing if it is not there."""
    return sorted(folder.iterdir()) if folder.is_dir() else []


def cpu_list(listed: str) -> tuple[int, ...]:
    """The numbers of `0-3,8,10-11`."""
    cpus: list[int] = []
    for part in filter(None, listed.split(",")):
        first, _, last = part.partition("-")
        cpus.extend(range(int(first), int(last or first) + 1))
    return tuple(cpus)


def meminfo(path: Path, name: str) -> int:
    """A line of a meminfo file in bytes; 0 if it is not there."""
    for line in text(path).splitlines():
        key, _, value = line.partition(":")
        if key.split()[-1:] == [name]:
            return int(value.split()[0]) * 1024
    return 0
