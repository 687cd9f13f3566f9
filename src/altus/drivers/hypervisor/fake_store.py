"""Where the fake hypervisor keeps its VMs, so that they survive the agent as real ones do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from altus.model.cpu import GuestCpu
from altus.model.domain import DomainDevices, DomainDisk, DomainNic
from altus.model.vm import VmDefinition, VmState


@dataclass(frozen=True, kw_only=True)
class FakeVm:
    """A VM as the fake knows it; `state` is one of those that are observed, `cpu` and `live` its guest's, `disks` are
    paths. Somebody undefined one that is not `persistent` while it ran. `left`: it has gone to another host."""

    vm: VmDefinition
    state: VmState = VmState.STOPPED
    cpu: GuestCpu | None = None
    disks: tuple[str, ...] = ()
    persistent: bool = True
    left: bool = False
    live: DomainDevices | None = None


def devices_of(vm: VmDefinition, paths: Sequence[str]) -> DomainDevices:
    """What a guest gets that starts with this definition, its disks at these paths."""
    pairs = zip(vm.hardware.disks, paths, strict=False)  # others may have defined it with more than has a path
    return DomainDevices(
        disks=tuple(
            DomainDisk(path=path, bus=disk.bus, volume_id=disk.volume_id, limits=disk.limits) for disk, path in pairs
        ),
        nics=tuple(DomainNic(mac=nic.mac, port_id=nic.id, model=nic.model, link=nic.link) for nic in vm.hardware.nics),
    )


class FakeStore:
    """One row per VM in SQLite: a write costs some 20 µs (no fsync: a killed process loses nothing by that) and no
    other row is touched. Without a path it is kept in memory."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._database = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL").close()
        self._database.execute("PRAGMA synchronous = OFF").close()
        self._database.execute("CREATE TABLE IF NOT EXISTS vm (id TEXT PRIMARY KEY, data BLOB NOT NULL)").close()

    def load(self) -> Iterator[FakeVm]:
        """All of them."""
        for (data,) in self._database.execute("SELECT data FROM vm ORDER BY id").fetchall():
            yield msgspec.json.decode(data, type=FakeVm)

    def save(self, vm: FakeVm) -> None:
        """Add or replace one."""
        self._database.execute("INSERT OR REPLACE INTO vm VALUES (?, ?)", (vm.vm.id, msgspec.json.encode(vm))).close()

    def remove(self, vm_id: str) -> None:
        """Forget one; missing is success."""
        self._database.execute("DELETE FROM vm WHERE id = ?", (vm_id,)).close()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
