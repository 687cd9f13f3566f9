"""What the driver keeps on disk: one folder per VM, and what it found out about the host.

QEMU's user may pass through these folders but not list them; the seed belongs to root and, while the VM runs, to
QEMU's user (libvirt sees to that).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

_PASSABLE = 0o711


class Folders:
    """The driver's state folder. Blocking."""

    def __init__(self, state_dir: Path) -> None:
        self._vms = state_dir / "vms"
        self.kvm_probe = state_dir / "kvm-probe.json"

    def seed(self, vm_id: str) -> Path:
        """Where the VM's seed lies if it has one."""
        return self._vms / vm_id / "seed.iso"

    def write_seed(self, vm_id: str, iso: bytes) -> None:
        """Put a seed in place: whole or not at all."""
        folder = self._make(vm_id)
        replace_file(folder / "seed.iso", iso)

    def keep_foreign(self, vm_id: str, definition: str) -> None:
        """Keep how a domain of others was defined: whole or not at all."""
        replace_file(self._make(vm_id) / "foreign.xml", definition.encode())

    def foreign(self, vm_id: str) -> str | None:
        """What `keep_foreign` kept."""
        try:
            return (self._vms / vm_id / "foreign.xml").read_text()
        except FileNotFoundError:
            return None

    def forget_foreign(self, vm_id: str) -> None:
        """Keep it no more; what else is kept for the VM stays."""
        folder = self._vms / vm_id
        (folder / "foreign.xml").unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty, or not there
            folder.rmdir()

    def remove(self, vm_id: str) -> None:
        """Remove all that is kept for a VM; missing is success."""
        shutil.rmtree(self._vms / vm_id, ignore_errors=False, onerror=_missing_is_fine)

    def forget_crash(self, vm_id: str) -> None:
        """Note that the power of a crashed VM was cut. Libvirt remembers the crash until the next start and has no
        way to be told; this note outlives our own restarts."""
        (self._make(vm_id) / "crash-forgotten").touch()

    def crash_forgotten(self, vm_id: str) -> bool:
        """Whether `forget_crash` was called since the last `new_run`."""
        return (self._vms / vm_id / "crash-forgotten").exists()

    def new_run(self, vm_id: str) -> None:
        """The VM was started: a crash from now on is a new one."""
        (self._vms / vm_id / "crash-forgotten").unlink(missing_ok=True)

    def _make(self, vm_id: str) -> Path:
        folder = self._vms / vm_id
        for path in (self._vms.parent, self._vms, folder):
            path.mkdir(mode=_PASSABLE, exist_ok=True)
        return folder


def replace_file(path: Path, data: bytes) -> None:
    """Write a file of mode 0600 so that it is there whole or, after a crash at any moment, as it was before."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _missing_is_fine(_function: object, _path: str, info: tuple[type[BaseException], BaseException, object]) -> None:
    if not isinstance(info[1], FileNotFoundError):
        raise info[1]
