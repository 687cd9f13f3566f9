"""Private control groups of a test machine, for the per-controller hierarchies (v1) and for the unified one (v2)."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from devkit import linux

ROOT = Path("/sys/fs/cgroup")
_REMOVAL_SECONDS = 5.0
_WEIGHTS = {"cpu.shares": 1024, "cpu.weight": 100}


@dataclass(frozen=True)
class Hierarchy:
    """One mounted cgroup file system: its folder and, for v1, its controllers ("cpu,cpuacct")."""

    folder: Path
    controllers: str

    @property
    def unified(self) -> bool:
        """Whether this is the v2 hierarchy."""
        return not self.controllers


def hierarchies(mountinfo: str) -> list[Hierarchy]:
    """The hierarchies that carry controllers, from the text of /proc/self/mountinfo.

    Where v1 controllers are mounted, a v2 tree beside them is empty and is left out, so that libvirt sees one kind.
    """
    found: dict[Path, Hierarchy] = {}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        folder = Path(left.split()[4])
        kind, _, options = right.split()[:3]
        if kind == "cgroup2":
            found[folder] = Hierarchy(folder, "")
        elif kind == "cgroup" and "name=" not in options:
            names = [name for name in options.split(",") if name not in {"rw", "ro"}]
            found[folder] = Hierarchy(folder, ",".join(names))
    v1 = [hierarchy for hierarchy in found.values() if not hierarchy.unified]
    return v1 or list(found.values())


def mounted() -> list[Hierarchy]:
    """The hierarchies of this process' mount namespace."""
    return hierarchies(Path("/proc/self/mountinfo").read_text())


def join(name: str, weight: int = 100) -> None:
    """Create group `name` in every hierarchy and move this process there. `weight` is its share of busy processors, in
    percent of the usual one (cpu.shares of v1, cpu.weight of v2)."""
    for hierarchy in mounted():
        group = hierarchy.folder / name
        group.mkdir(exist_ok=True)
        for file, usual in _WEIGHTS.items():
            if (group / file).exists():
                (group / file).write_text(str(usual * weight // 100))
        if "cpuset" in hierarchy.controllers.split(","):
            # an empty cpuset takes no process
            for file in ("cpuset.cpus", "cpuset.mems"):
                (group / file).write_text((hierarchy.folder / file).read_text())
        (group / "cgroup.procs").write_text("0")


def processor_seconds(name: str) -> float:
    """What group `name` and those below have used so far, guests included; 0 where nobody counts."""
    for hierarchy in mounted():
        group = hierarchy.folder / name
        if (group / "cpuacct.usage").exists():
            return int((group / "cpuacct.usage").read_text()) / 1e9
        if hierarchy.unified:
            used = next(line for line in (group / "cpu.stat").read_text().splitlines() if line.startswith("usage_usec"))
            return int(used.split()[1]) / 1e6
    return 0.0


def mount_own(outside: list[Hierarchy]) -> None:
    """Show this process' own groups as the root of /sys/fs/cgroup; needs fresh mount and cgroup namespaces."""
    if [hierarchy.unified for hierarchy in outside] == [True]:
        linux.mount("cgroup2", str(ROOT), "cgroup2")
        _make_room()
        return
    linux.mount("tmpfs", str(ROOT), "tmpfs", data="mode=755")
    for hierarchy in outside:
        folder = ROOT / hierarchy.controllers
        folder.mkdir()
        linux.mount("cgroup", str(folder), "cgroup", data=hierarchy.controllers)


def _make_room() -> None:
    """In v2 only leaves hold processes: step down, so that libvirt may create groups for its guests beside us."""
    leaf = ROOT / "init"
    leaf.mkdir()
    (leaf / "cgroup.procs").write_text("0")
    available = (ROOT / "cgroup.controllers").read_text().split()
    (ROOT / "cgroup.subtree_control").write_text(" ".join(f"+{controller}" for controller in available))


def remove(name: str) -> None:
    """Remove group `name` and all below from every hierarchy; its processes are dead already or are dying."""
    deadline = time.monotonic() + _REMOVAL_SECONDS
    for hierarchy in mounted():
        group = hierarchy.folder / name
        while group.is_dir() and not _remove_tree(group) and time.monotonic() < deadline:
            time.sleep(0.02)


def _remove_tree(group: Path) -> bool:
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            Path(folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True
